"""Code of a host that uses every public name, as three type checkers must take it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type

from fastapi import Depends, FastAPI
from fastapi_users.authentication import AuthenticationBackend
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

import mfa_gate
from mfa_gate import errors, identity, policyfile, ports, senders, storage, testing
from mfa_gate.testing.plugin import MakesKit
from mfa_gate.testing.store_suite import StoreSuite

# -- the host's own functions --------------------------------------------------------------------------------------------


async def identify(connection: HTTPConnection) -> mfa_gate.Subject | None:
    """Find the person."""
    name = connection.session.get("user_id")
    if name is None:
        raise identity.Unreadable("the session has no user")
    login = mfa_gate.Upstream(amr=("pwd", "otp"), acr="", auth_time=0)
    return mfa_gate.Subject(str(name), tenant="t", groups=frozenset({"g"}), session="s", upstream=login, actor="")


async def contacts_of(subject: mfa_gate.Subject) -> mfa_gate.Contacts:
    """Find names and addresses."""
    return mfa_gate.Contacts(name=subject.id, email="", phone="")


async def everybody(tenant: str) -> AsyncIterator[tuple[mfa_gate.Subject, mfa_gate.Contacts]]:
    """List the people of a tenant."""
    yield mfa_gate.Subject("ann", tenant), mfa_gate.Contacts()


async def listed(tenant: str) -> Iterable[tuple[mfa_gate.Subject, mfa_gate.Contacts]]:
    """List them at once."""
    return [(mfa_gate.Subject("ann", tenant), mfa_gate.Contacts())]


def may_go_out(send: ports.PhoneSend) -> bool | str:
    """Allow a text message."""
    same: mfa_gate.PhoneSend = send
    assert_type(same.number, str)
    return send.factor == "sms" or "no calls"


async def on_event(event: mfa_gate.Event) -> None:
    """Take an event."""
    assert_type(event.kind, str)


async def sign_in_again(connection: HTTPConnection, wanted: ports.FreshSignIn) -> str:
    """Lead to the identity provider."""
    return f"/login?max_age={wanted.max_age}&acr_values={' '.join(wanted.acr_values)}&next={wanted.return_to}"


def on_lock(subject: mfa_gate.Subject, event: mfa_gate.Event) -> None:
    """Take a lock."""


class Carrier:
    """A sender of the host's own, with all that a sender may have."""

    application_server_key = "key"
    available = True

    async def send(self, message: ports.Message) -> None:
        """Send a message."""
        same: mfa_gate.Message = message
        if not same.to:
            raise errors.SendFailed("no address", transient=False)

    async def aclose(self) -> None:
        """Close connections."""

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Check the signature of a callback."""
        return bool(url)

    def takes(self, to: str) -> bool:
        """Tell if this address can be served."""
        return bool(to)

    async def check(self) -> str:
        """Say what is wrong."""
        return ""


class Reads:
    """An adapter of the host's own, with all that an adapter may have."""

    names_session = needs_session = needs_authentication = True
    unnamed: tuple[str, ...] = ()

    async def __call__(self, connection: HTTPConnection) -> mfa_gate.Subject | None:
        """Find the person."""
        return self.subject_of(connection.scope)

    def subject_of(self, scope: Mapping[str, Any]) -> mfa_gate.Subject | None:
        """Find the person without a wait."""
        return None

    def sees_user(self, scope: Mapping[str, Any]) -> bool:
        """Tell if the app has a user."""
        return False


def optional_parts() -> Sequence[object]:
    """Take the host's own parts for all that they may be."""
    carrier, adapter = Carrier(), Reads()
    of_senders: tuple[ports.Closes, ports.CallsBack, ports.TakesDestination] = (carrier, carrier, carrier)
    more: tuple[ports.Pauses, ports.ChecksItself, ports.HasPushKey] = (carrier, carrier, carrier)
    of_adapters: tuple[ports.ReadsScope, ports.SeesUsers, ports.ReadsSessions] = (adapter, adapter, adapter)
    rest: tuple[ports.NamesSession, ports.NeedsSession, ports.NeedsAuthentication] = (adapter, adapter, adapter)
    finds: ports.Identify = adapter
    return [*of_senders, *more, *of_adapters, *rest, finds]


class Now:
    """A clock of the host's own."""

    def now(self) -> float:
        """Return the time."""
        return 0.0


def claims_of(token: str) -> dict[str, Any] | None:
    """Verify a token."""
    return {"sub": token}


# -- the gate -------------------------------------------------------------------------------------------------------------


def adapters(backend: AuthenticationBackend[Any, Any], manager: Callable[[], Any]) -> Sequence[ports.Identify]:
    """Make every adapter."""
    session = identity.SessionUser("user_id", tenant="org", groups="groups", session="sid", fold=str.casefold)
    token = identity.BearerJWT(claims_of, rejects=(ValueError,), query="token")
    proxy = identity.TrustedHeader("X-Forwarded-User", from_=["10.0.0.5"])
    signed_in = identity.RequestUser("identity")
    library = identity.FastAPIUsers([backend], manager)
    return [identity.FirstOf(token, session), proxy, signed_in, library, identify]


def all_senders() -> ports.Senders:
    """Make every sender."""
    carrier: ports.Sender = Carrier()
    mail: ports.Sender = senders.SMTPSender("smtp.example", sender="App <no-reply@app.example>")
    hook: ports.Sender = senders.WebhookSender("https://sms.example/send", secret="s" * 32)
    several: list[ports.Sender] = [carrier, hook, senders.ConsoleSender()]
    return mfa_gate.Senders(
        email=mail,
        sms=senders.TwilioSender("AC1", "token", sender="+12025550100") if several else None,
        voice=senders.TwilioVoiceSender("AC1", "token", sender="+12025550100"),
        push=senders.WebPushSender("key", subject="mailto:me@app.example"),
    )


def make_gate(policy: str | mfa_gate.Policy, store: str | storage.Store) -> mfa_gate.MFAGate:
    """Make a gate with every argument."""
    clock: ports.Clock = Now()
    contacts: ports.ContactsOf = contacts_of
    before_send: ports.BeforeSend = may_go_out
    again: ports.SignInAgain = sign_in_again
    directory: ports.DirectoryOf = everybody if isinstance(store, str) else listed
    describe: ports.DescribeNetwork = {"203.0.113.7": "Boston, MA"}.get
    try:
        return mfa_gate.MFAGate(
            policy=policy,
            identify=identify,
            contacts=contacts,
            sign_in_again=again,
            store=store,
            keys=["key"],
            factors=[*mfa_gate.DEFAULT_FACTORS],
            relying_party=mfa_gate.RelyingParty(id="app.example", name="App", origins=["https://app.example"]),
            senders=all_senders(),
            trusted_proxies=["unix"],
            directory=directory,
            describe_network=describe,
            before_send=before_send,
            on_event=on_event,
            on_lock=on_lock,
            on_reset=on_lock,
            clock=clock,
            api_origins=["https://spa.app.example"],
        )
    except mfa_gate.SettingsError as fault:
        print(fault.faults)
        raise
    except (errors.SettingsError, errors.MissingExtra, errors.MFAGateError, mfa_gate.MFAGateError):
        raise


def mount(gate: mfa_gate.MFAGate, theirs: Callable[[Any, Any, Any], Awaitable[None]]) -> mfa_gate.MFAGateMiddleware:
    """Mount it in all ways."""
    for app in (Starlette(), FastAPI()):
        gate.install(app)
    Starlette().add_middleware(mfa_gate.MFAGateMiddleware, gate=gate)
    return mfa_gate.MFAGateMiddleware(theirs, gate=gate)


api = FastAPI()


@api.get("/payout", dependencies=[Depends(mfa_gate.require_proof("5m", phishing_resistant=True))])
async def payout() -> str:
    """Pay, in FastAPI."""
    return "paid"


@mfa_gate.require_proof("5m", factors=["totp"])
async def export(request: Request) -> Response:
    """Export, in Starlette."""
    return PlainTextResponse("rows")


async def exported(request: Request) -> None:
    """A decorated endpoint keeps its type."""
    assert_type(await export(request), Response)


async def live(gate: mfa_gate.MFAGate, request: Request) -> None:
    """Ask about a connection and about a person, and act."""
    status = await gate.status(request)
    assert_type(status, mfa_gate.Status)
    assert_type(status.age, int | None)
    person = await gate.person(mfa_gate.Subject("ann"))
    assert_type(person, mfa_gate.Person)
    assert_type(await person.status(), mfa_gate.PersonStatus)
    assert_type(await person.authenticators(), tuple[mfa_gate.PersonAuthenticator, ...])
    assert_type(await person.end_proofs("password changed"), mfa_gate.PersonChange)
    assert_type(await person.ticket("1d"), mfa_gate.EnrollmentTicket)
    assert_type(await person.forget(), mfa_gate.Forgotten)
    try:
        await person.reset("ticket", "lost phone")
    except (mfa_gate.Refused, errors.Refused) as refused:
        print(refused)
    except (errors.StoreUnavailable, errors.StoreContention, errors.StoreMissing):
        raise
    async with gate.lifespan():
        assert_type(gate.policy, mfa_gate.Policy)
    print(await gate.health(), gate.openapi(), gate.check(api))


# -- policies, stores, tests ----------------------------------------------------------------------------------------------


def read(text: str, base: Path) -> Sequence[str]:
    """Read a policy, and list its faults and the remarks on it."""
    assert_type(policyfile.load_policy("policy.toml"), mfa_gate.Policy)
    assert_type(policyfile.parse_policy(text, base=base), mfa_gate.Policy)
    looked: policyfile.Examined = policyfile.examine(text, base=base)
    faults: Sequence[policyfile.Fault] = looked.faults
    remarks: Sequence[policyfile.Finding] = policyfile.findings(looked.policy, now=0) if looked.policy else ()
    return [*(fault.told("policy.toml") for fault in faults), *(remark.text for remark in remarks)]


async def look(store: storage.Store) -> None:
    """Use a store by its parts."""
    accounts: storage.Accounts = store
    trail: storage.Trail = store
    limits: storage.Limits = store
    roster: storage.Roster = store
    notes: storage.Notes = store
    changed: storage.Changed = accounts.changed(storage.Reader())
    assert_type(changed is storage.EVERYTHING, bool)
    lines: list[storage.Rewrite] = []
    await trail.rewrite("t", lines)
    if isinstance(store, storage.InFile):
        assert_type(store.path, str)
    if isinstance(store, storage.RemembersGeneration):
        assert_type(store.generation_file, str)
    if isinstance(store, storage.FindsLines):
        assert_type(await store.lines_with("t", "address", ("192.0.2.1",)), storage.EventPage)
    if isinstance(store, storage.TellsTime):
        assert_type(await store.time(), float)
    if isinstance(store, storage.ChecksColumns):
        assert_type(await store.misfiled("t"), Sequence[int])
    if isinstance(store, storage.ReportParts):
        parts = await store.report_parts("t", since=0, until=1)
        assert_type(parts, Sequence[storage.ReportPart])
        await store.replace_report_part("t", parts[0], b"")
        assert_type(await store.prune_report("t", before=1), int)
    if isinstance(store, storage.Advises):
        assert_type(await store.advice(), Sequence[str])
    if isinstance(store, storage.Compacts):
        assert_type(await store.compact(), int)
    if isinstance(store, storage.Upgrades):
        assert_type(await store.upgrade(grant_to="app", insert_only=True), str)
    assert_type(await trail.trails(), tuple[str, ...])
    assert_type(await trail.head("t"), storage.ChainPoint)
    assert_type(await trail.trail("t", after=storage.END), storage.EventPage)
    assert_type(await trail.links("t"), Sequence[storage.Link])
    assert_type(await limits.take_all([storage.Take(bucket="bucket", limit=1, window=60, at=0)]), storage.Taken)
    assert_type(await storage.take_one(limits, "bucket", limit=1, window=60, now=0), int)
    assert_type(await roster.page("t"), storage.Page)
    assert_type(await notes.meta("name"), bytes | None)


class TestMine(StoreSuite):
    """The suite for a store of the host's own."""


def test_export(mfa_gate_kit: MakesKit, gate: mfa_gate.MFAGate, app: FastAPI) -> None:
    """Test an app behind the gate."""
    kit = mfa_gate_kit(gate)
    assert_type(kit, testing.Kit)
    with kit.client(app) as client:
        assert_type(client, TestClient)
        assert_type(kit.signed_in(client, mfa_gate.Subject("ann"), fresh=True), TestClient)
        kit.clock.advance(8 * 86_400)
    ann: testing.Enrolled = kit.enroll(mfa_gate.Subject("ann"), "totp")
    assert_type(ann.code(), str)
    assert_type(kit.outbox.last_code("ann@example.com"), str)
    assert_type(kit.routes(app), tuple[testing.RouteRow, ...])
    kit.assert_somebody_seen()
    kit.assert_all_covered(app, open=["/login"])


async def helpers(gate: mfa_gate.MFAGate, app: FastAPI, context: testing.BrowserContext) -> None:
    """Use the helpers without a kit."""
    ann = mfa_gate.Subject("ann")
    client: TestClient = testing.client_for(app, gate, address=testing.PEER)
    assert_type(testing.signed_in(client, gate, ann), TestClient)
    web: testing.WebClient = client
    print(web.base_url)
    async with testing.async_client_for(app, gate) as waiting:
        await testing.verified(waiting, gate, ann)
    assert_type(await testing.enrolled(gate, ann), testing.Enrolled)
    cookie: testing.ProofCookie = await testing.proof_cookie(gate, ann)
    context.add_cookies([cookie])
    with testing.serving(app, gate) as address:
        assert_type(address, str)
    assert_type(testing.route_inventory(app, gate), tuple[testing.RouteRow, ...])
    testing.assert_all_covered(app, gate, open=["/login"])
    parts = (testing.FixedClock(), testing.Outbox(), testing.SoftKey(origin=address))
    assert_type(parts[1].senders(), mfa_gate.Senders)


def signals() -> ports.SharedSignals:
    """Believe a transmitter of Shared Signals, with the usual rule for its people."""
    issuer = "https://idp.example"
    return ports.SharedSignals(
        issuer=issuer,
        audience="https://app.example",
        keys={"keys": []},
        subject_of=lambda subject_id: identity.subject_by_sub("t", issuer, subject_id),
        token="shown by the transmitter",
    )


def entropy() -> ports.Entropy:
    """Make random bytes."""
    return lambda size: bytes(size)
