// A front end that is typed by the gate's OpenAPI document: state, challenge, verify, passkeys included.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Problem = components["schemas"]["Problem"];
type Standing = components["schemas"]["Standing"];

const gate = createClient<paths>({ baseUrl: "/mfa/api", credentials: "include" });
const header = { "X-MFA-Gate": "1" } as const;

function refused(problem: Problem): never {
  const left: number | undefined = problem.attempts_remaining;
  throw new Error(`${problem.reason} ${problem.member ?? ""} ${problem.ref ?? ""} ${left ?? ""} ${problem.state ?? ""}`);
}

async function assertion(options: components["schemas"]["RequestOptions"]): Promise<components["schemas"]["PasskeyAssertion"]> {
  const response = { clientDataJSON: options.challenge, authenticatorData: "", signature: "", userHandle: null };
  return { id: "", rawId: "", type: "public-key", response };
}

export async function prove(code: string): Promise<Standing> {
  const stands = await gate.GET("/state");
  if (stands.error) return refused(stands.error);
  const mine = stands.data.authenticators[0];
  if (stands.data.state !== "challenge" || mine === undefined) return stands.data;
  const asked = await gate.POST("/challenge", { params: { header }, body: { authenticator: mine.id } });
  if (asked.error) return refused(asked.error);
  const { challenge, public_key } = asked.data;
  const response = public_key ? await assertion(public_key) : code;
  const body = { authenticator: mine.id, challenge, response, remember: true };
  const proven = await gate.POST("/verify", { params: { header }, body });
  return proven.error ? refused(proven.error) : proven.data;
}

export async function enroll(): Promise<string[]> {
  const begun = await gate.POST("/enroll", { params: { header }, body: { factor: "webauthn" } });
  if (begun.error) return refused(begun.error);
  const options = begun.data.public_key;
  if (options === undefined) return [];
  const made = { clientDataJSON: options.challenge, attestationObject: options.user.id, transports: ["internal"] };
  const response = { id: "", rawId: "", type: "public-key" as const, response: made };
  const body = { enrollment: begun.data.enrollment, response };
  const done = await gate.POST("/enroll/confirm", { params: { header }, body });
  if (done.error) return refused(done.error);
  // @ts-expect-error: an answer has no member that the document does not name
  done.data.codes;
  return done.data.backup_codes ?? [];
}
