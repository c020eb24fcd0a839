"""Answer the calls for the caller's state, and for the proof of the second factor."""

from __future__ import annotations

from dataclasses import replace

from ...core.model import Account, Authenticator, Challenge, Enrollment
from ...core.reasons import UNTYPED, Refusal
from ...service import Verified
from ..members import BadMember
from ..request import PageRequest
from ..responses import Answer, as_json, problem, stamp
from .calls import Body, named
from .documents import state_document

RESPONSES = ("wrong_code", "code_expired", "code_already_used", "code_too_early")
"""Reasons that are about the response itself."""
NO_COOKIE = (
    "The browser has sent no cookie of ours, so it is not the one that asked. Cookies are turned off, or the call was made "
    'without them: fetch(…, {credentials: "include"}).'
)


async def state(request: PageRequest, body: Body, name: str) -> Answer:
    """Tell the caller's state: ``GET state``."""
    return as_json(await state_document(request))


async def challenge(request: PageRequest, body: Body, name: str) -> Answer:
    """Issue a challenge for an authenticator: ``POST challenge``.

    A factor that sends, sends its code now. A page's script asks for the demands of the interrupted page. Every other
    caller says ``user_verification`` itself.
    """
    verified = bool(body.get("user_verification", False))
    if not verified and request.interruption.note:
        request.interruption.leads_back = True
        verified = (await request.judgement()).user_verification
    issued = await request.service.challenges.begin(request.caller, body["authenticator"], user_verification=verified)
    if isinstance(issued, Refusal):
        if issued.reason == "nothing_sent":
            judgement = await request.judgement()
            mine = judgement.account.authenticator(body["authenticator"]) if judgement.account else None
            quiet = {"challenge": None, "hint": "", "expires_at": None, "resend_at": None}
            return as_json({"factor": mine.factor if mine else "", **quiet}, status=201)
        return problem(named(issued, not_found="authenticator", not_enrollable="authenticator"))
    document = {
        "challenge": issued.challenge.id,
        "factor": issued.factor,
        "hint": issued.hint,
        "expires_at": stamp(issued.challenge.expires_at),
        "resend_at": stamp(issued.resend_at),
        **issued.show,
    }
    if issued.failed:
        refusal = Refusal(reason="send_failed", ref=issued.ref)
        return problem(refusal, challenge=issued.challenge.id, cause=issued.failed)
    return as_json(document, status=201)


async def challenge_status(request: PageRequest, body: Body, name: str) -> Answer:
    """Tell if a challenge was answered elsewhere: ``GET challenge/{id}``.

    The call reveals nothing, and it is no attempt.
    """
    judgement = await request.judgement()
    account = judgement.account
    found = next((c for c in (account.challenges if account else ()) if c.id == name), None)
    if found is None or not request.caller.asked(found):
        return problem(Refusal(reason="not_found"))
    word = found.status if found.status in ("approved", "denied") else "pending"
    if word == "pending" and not found.is_live(request.now):
        word = "expired"
    return as_json({"status": word})


async def verify(request: PageRequest, body: Body, name: str) -> Answer:
    """Check one response to a challenge: ``POST verify``."""
    if "challenge" not in body and "authenticator" not in body:
        detail = '"authenticator" is missing: name it, or the "challenge" that is answered.'
        raise BadMember("authenticator", "A member is missing", detail)
    result = await request.service.verification.verify(
        request.caller,
        handle=request.handle,
        authenticator=body.get("authenticator", ""),
        challenge=body.get("challenge", ""),
        response=body["response"],
        remember=body.get("remember", True),
    )
    if isinstance(result, Refusal):
        return await refused(request, body, result)
    return as_json({**await proven(request, result)})


async def refused(request: PageRequest, body: Body, refusal: Refusal) -> Answer:
    """Answer a refusal, in words of its own where no code was typed, as for a passkey."""
    asked = "challenge" if body.get("challenge") else "authenticator"
    refusal = named(refusal, not_found=asked, **dict.fromkeys(RESPONSES, "response"))
    if "enrollment" in body and refusal.member in ("authenticator", "challenge"):
        refusal = replace(refusal, member="enrollment")
    if refusal.reason == "not_found" and request.fresh and request.caller.kind == "browser":
        refusal = replace(refusal, detail=NO_COOKIE)
    account = (await request.judgement()).account
    if account is None or refusal.reason not in UNTYPED or types_code(request, account, body):
        return problem(refusal)
    title, detail = UNTYPED[refusal.reason]
    return problem(refusal, title=title, detail=detail)


def types_code(request: PageRequest, account: Account, body: Body) -> bool:
    """Tell if the thing that the body names is answered with a code."""
    ids = {body.get(name) for name in ("authenticator", "challenge", "enrollment")} - {None, ""}
    known: tuple[Authenticator | Enrollment | Challenge, ...] = (
        *account.authenticators,
        *account.enrollments,
        *account.challenges,
    )
    kinds = {thing.factor for thing in known if thing.id in ids and thing.factor in request.factors.traits}
    by_code = {challenge.factor for challenge in account.challenges if "code" in challenge.data}
    return not kinds or any(request.factors.traits[kind].typed or kind in by_code for kind in kinds)


async def proven(request: PageRequest, result: Verified) -> dict[str, object]:
    token = request.take_proof(result.handle, remembered=result.remembered)
    document = await state_document(request)
    return {**document, "proof_token": token} if token else document
