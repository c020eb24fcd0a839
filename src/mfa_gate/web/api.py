"""The JSON answers below ``/api``: the same use cases as the pages, for single-page apps and native clients (RFC 9457)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core import attempts
from ..core.decision import Agree, Allow, Deny, Enroll, StepUp, state_of
from ..core.model import MAX_ID_BYTES, Account, Authenticator, Challenge, Enrollment
from ..core.reasons import UNTYPED, Refusal
from ..factors import FACTORS, TRAITS
from ..service import Judgement, Verified
from . import admin_api
from .facts import header
from .forms import MAX_BODY, MAX_PROOF_BODY, BadBody, Receive, is_early, read_json, same_origin, tells_origin
from .render import qr_svg
from .responses import NO_STORE, Answer, as_json, problem, stamp
from .visit import Visit

Body = dict[str, Any]
Handler = Callable[[Visit, Body, str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its handler, the members that its body may have with their types, and how large the body may be."""

    handler: Handler
    members: Mapping[str, tuple[type, ...]]
    required: tuple[str, ...] = ()
    limit: int = MAX_BODY


async def answer(visit: Visit, receive: Receive, place: str) -> Answer:
    """Answer a call; ``place`` is the path below ``/api``."""
    method = "GET" if visit.scope["method"] == "HEAD" else visit.scope["method"]
    found = find(place)
    if found is None:
        return problem(Refusal(reason="not_found"))
    calls, name = found
    call = calls.get(method)
    if call is None:
        return problem(Refusal(reason="method_not_allowed"), headers=[(b"allow", ", ".join(calls).encode())])
    body: Body = {}
    if method != "GET":
        refusal = _foreign(visit)
        if refusal is not None:
            return problem(refusal)
        if method != "DELETE":
            try:
                body = _typed(await read_json(visit.scope, receive, limit=call.limit), call)
            except BadBody as bad:
                return problem(Refusal(reason=bad.reason))
    try:
        result = await call.handler(visit, body, name)
    except admin_api.BadQuery:
        return problem(Refusal(reason="malformed"))
    result.headers.extend(visit.cookie_headers())
    return result


def _foreign(visit: Visit) -> Refusal | None:
    """A change needs a header that no form can send; a browser must be on our own page besides."""
    scope = visit.scope
    if is_early(scope):
        return Refusal(reason="early_data")
    if header(scope, b"x-mfa-gate") != b"1":
        return Refusal(reason="csrf")
    if tells_origin(scope) and not same_origin(scope, visit.site.origins):
        return Refusal(reason="csrf")
    return None


def _typed(body: Body, call: Call) -> Body:
    """The members, each of its very type; an unknown or missing one is malformed (S-105)."""
    for name, value in body.items():
        kinds = call.members.get(name)
        if kinds is None or type(value) not in kinds:
            raise BadBody("malformed")
    if any(name not in body for name in call.required):
        raise BadBody("malformed")
    return body


# -- documents ---------------------------------------------------------------------------------------------------------


def authenticator_document(visit: Visit, judgement: Judgement, mine: Authenticator) -> dict[str, object]:
    """One authenticator, without anything secret."""
    account, factor = judgement.account, FACTORS.get(mine.factor)
    hint = ""
    if account is not None and factor is not None:
        rules = judgement.requirement.rules
        context = visit.service.proving.context(visit.caller, rules, purpose="sign-in", account=account)
        hint = factor.hint(context, mine.data)
    default = account is not None and account.default == mine.id
    return {"id": mine.id, "factor": mine.factor, "label": mine.label, "hint": hint, "default": default}


async def state_document(visit: Visit) -> dict[str, object]:
    """Where the caller stands."""
    visit.forget_judgement()
    judgement = await visit.judgement()
    decision, account = judgement.decision, judgement.account
    rules = judgement.requirement.rules
    proof = decision.proof if isinstance(decision, (Allow, Agree)) else None
    can_enroll = isinstance(decision, (Allow, Enroll))
    kinds = visit.service.enrollments.enrollable(judgement) if can_enroll else ()
    if isinstance(decision, Enroll) and decision.factors:
        kinds = tuple(kind for kind in kinds if kind in decision.factors)
    left = attempts.remaining(account.attempts, rules.attempts) if account else rules.attempts.max
    ends_at = (proof.at + int(rules.freshness.max_age)) if proof else 0
    return {
        "state": state_of(decision),
        "reason": decision.reason if isinstance(decision, StepUp) else None,
        "authenticators": [
            authenticator_document(visit, judgement, a) for a in (account.authenticators if account else ())
        ],
        "enrollable": list(kinds),
        "attempts_remaining": 0 if account and account.lock else left,
        "proof": {"factor": proof.factor, "at": stamp(proof.at), "ends_at": stamp(ends_at)} if proof else None,
        "skippable": isinstance(decision, Enroll) and decision.skippable,
    }


# -- calls -------------------------------------------------------------------------------------------------------------


async def state(visit: Visit, body: Body, name: str) -> Answer:
    """``GET state``."""
    return as_json(await state_document(visit))


async def challenge(visit: Visit, body: Body, name: str) -> Answer:
    """``POST challenge``: issue one for an authenticator; what sends, sends now."""
    issued = await visit.service.proving.begin(visit.caller, body["authenticator"])
    if isinstance(issued, Refusal):
        if issued.reason == "nothing_sent":
            judgement = await visit.judgement()
            mine = judgement.account.authenticator(body["authenticator"]) if judgement.account else None
            quiet = {"challenge": None, "hint": "", "expires_at": None, "resend_at": None}
            return as_json({"factor": mine.factor if mine else "", **quiet}, status=201)
        return problem(issued)
    document = {
        "challenge": issued.challenge.id,
        "factor": issued.factor,
        "hint": issued.hint,
        "expires_at": stamp(issued.challenge.expires_at),
        "resend_at": stamp(issued.resend_at),
        **issued.show,
    }
    if issued.failed:
        return problem(Refusal(reason="send_failed"), challenge=issued.challenge.id, cause=issued.failed)
    return as_json(document, status=201)


async def challenge_status(visit: Visit, body: Body, name: str) -> Answer:
    """``GET challenge/{id}``: whether it was answered elsewhere. It reveals nothing and costs nothing."""
    judgement = await visit.judgement()
    account = judgement.account
    found = next((c for c in (account.challenges if account else ()) if c.id == name), None)
    if found is None or found.browser != visit.caller.handle:
        return problem(Refusal(reason="not_found"))
    word = found.status if found.status in ("approved", "denied") else "pending"
    if word == "pending" and not found.is_live(visit.now):
        word = "expired"
    return as_json({"status": word})


async def verify(visit: Visit, body: Body, name: str) -> Answer:
    """``POST verify``: one response."""
    result = await visit.service.proving.verify(
        visit.caller,
        handle=visit.handle,
        authenticator=body.get("authenticator", ""),
        challenge=body.get("challenge", ""),
        response=body["response"],
        remember=body.get("remember", True),
    )
    if isinstance(result, Refusal):
        return await _refused(visit, body, result)
    if result.again:
        return await _refused(visit, body, Refusal(reason="code_already_used"))
    return as_json({**await _proven(visit, result)})


async def _refused(visit: Visit, body: Body, refusal: Refusal) -> Answer:
    """A refused answer, in words of its own where no code was typed: a passkey is none."""
    account = (await visit.judgement()).account
    if account is None or refusal.reason not in UNTYPED or _types_code(account, body):
        return problem(refusal)
    title, detail = UNTYPED[refusal.reason]
    return problem(refusal, title=title, detail=detail)


def _types_code(account: Account, body: Body) -> bool:
    """Whether what the body names is answered with a code."""
    ids = {body.get(name) for name in ("authenticator", "challenge", "enrollment")} - {None, ""}
    known: tuple[Authenticator | Enrollment | Challenge, ...] = (
        *account.authenticators,
        *account.enrollments,
        *account.challenges,
    )
    kinds = {thing.factor for thing in known if thing.id in ids and thing.factor in TRAITS}
    by_code = {challenge.factor for challenge in account.challenges if "code" in challenge.data}
    return not kinds or any(TRAITS[kind].typed or kind in by_code for kind in kinds)


async def _proven(visit: Visit, result: Verified) -> dict[str, object]:
    token = visit.take_proof(result.handle, remembered=result.remembered)
    document = await state_document(visit)
    return {**document, "proof_token": token} if token else document


async def enroll(visit: Visit, body: Body, name: str) -> Answer:
    """``POST enroll``: a draft; what sends, sends its code now."""
    begun = await visit.service.enrollments.begin(
        visit.caller, factor=body["factor"], phone=body.get("phone", ""), label=body.get("label", "")
    )
    if isinstance(begun, Refusal):
        return problem(begun)
    shown = begun.shown
    document: dict[str, object] = {
        "enrollment": begun.enrollment.id,
        "factor": begun.enrollment.factor,
        "expires_at": stamp(begun.enrollment.expires_at),
    }
    if "uri" in shown:
        document |= {"uri": shown["uri"], "qr_svg": str(qr_svg(shown["uri"], "QR code"))}
    if "secret" in shown:
        document["secret"] = shown["secret"]
    if "hint" in shown:
        document["hint"] = shown["hint"]
    if begun.issued is not None:
        document |= {**begun.issued.show, "resend_at": stamp(begun.issued.resend_at)}
        document["expires_at"] = stamp(begun.issued.challenge.expires_at)
        if begun.issued.challenge.waits:
            document["challenge"] = begun.issued.challenge.id
        if begun.issued.failed:
            cause = begun.issued.failed
            return problem(Refusal(reason="send_failed"), enrollment=begun.enrollment.id, cause=cause)
    return as_json(document, status=201)


async def confirm(visit: Visit, body: Body, name: str) -> Answer:
    """``POST enroll/confirm``: the try-out. The codes of a first enrollment are told here, this once."""
    done = await visit.service.enrollments.confirm(
        visit.caller, handle=visit.handle, enrollment=body["enrollment"], response=body["response"]
    )
    if isinstance(done, Refusal):
        return await _refused(visit, body, done)
    if done.again:
        return problem(Refusal(reason="code_already_used"))
    token = visit.take_proof(done.handle, remembered=visit.rules.freshness.remember == "browser")
    visit.forget_judgement()
    document: dict[str, object] = {
        "authenticator": authenticator_document(visit, await visit.judgement(), done.authenticator)
    }
    if done.backup_codes:
        document["backup_codes"] = list(done.backup_codes)
        await visit.service.enrollments.saved_backup(visit.caller)
    if token:
        document["proof_token"] = token
    return as_json(document, status=201)


async def skip(visit: Visit, body: Body, name: str) -> Answer:
    """``POST enroll/skip``: put it off while it is optional."""
    refusal = await visit.service.enrollments.skip(visit.caller)
    return problem(refusal) if refusal is not None else as_json(await state_document(visit))


async def authenticators(visit: Visit, body: Body, name: str) -> Answer:
    """``GET authenticators``: only for who has proven the second factor, or has none (S-82)."""
    judgement = await visit.judgement()
    refusal = _pending(judgement)
    if refusal is not None:
        return problem(refusal)
    mine = judgement.account.authenticators if judgement.account else ()
    return as_json({"authenticators": [authenticator_document(visit, judgement, a) for a in mine]})


async def change(visit: Visit, body: Body, name: str) -> Answer:
    """``PATCH authenticators/{id}``: another label, or the default."""
    keeping = visit.service.keeping
    result: Authenticator | Refusal = Refusal(reason="malformed")
    if "label" in body:
        result = await keeping.rename(visit.caller, id=name, label=body["label"])
        if isinstance(result, Refusal):
            return problem(result)
    if body.get("default") is True:
        result = await keeping.set_default(visit.caller, id=name)
    if isinstance(result, Refusal):
        return problem(result)
    visit.forget_judgement()
    judgement = await visit.judgement()
    mine = judgement.account.authenticator(name) if judgement.account else None
    return as_json(authenticator_document(visit, judgement, mine or result))


async def remove(visit: Visit, body: Body, name: str) -> Answer:
    """``DELETE authenticators/{id}``."""
    result = await visit.service.keeping.remove(visit.caller, id=name)
    return problem(result) if isinstance(result, Refusal) else Answer(204, b"", NO_STORE)


async def backup_codes(visit: Visit, body: Body, name: str) -> Answer:
    """``POST backup-codes``: a new set; the old one ends."""
    codes = await visit.service.enrollments.make_backup(visit.caller)
    if isinstance(codes, Refusal):
        return problem(codes)
    await visit.service.enrollments.saved_backup(visit.caller)
    return as_json({"backup_codes": list(codes)}, status=201)


async def browsers(visit: Visit, body: Body, name: str) -> Answer:
    """``GET browsers``: remembered browsers and clients."""
    judgement = await visit.judgement()
    refusal = _pending(judgement)
    if refusal is not None:
        return problem(refusal)
    mine = judgement.account.browsers if judgement.account else ()
    return as_json(
        {
            "browsers": [
                {
                    "id": b.id,
                    "label": b.label,
                    "network": max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                    "last_used_at": stamp(b.last_used_at),
                    "current": b.handle == visit.caller.handle,
                }
                for b in mine
            ]
        }
    )


async def forget(visit: Visit, body: Body, name: str) -> Answer:
    """``DELETE browsers/{id}``."""
    refusal = await visit.service.keeping.forget(visit.caller, id=name)
    return problem(refusal) if refusal is not None else Answer(204, b"", NO_STORE)


async def agreement(visit: Visit, body: Body, name: str) -> Answer:
    """``GET agreement``: its text and version."""
    judgement = await visit.judgement()
    mine = judgement.requirement.rules.agreement
    if isinstance(judgement.decision, (StepUp, Deny, Enroll)):
        return problem(_pending(judgement) or Refusal(reason="proof_required"))
    if mine is None:
        return problem(Refusal(reason="not_found"))
    return as_json(
        {"id": mine.id, "version": mine.version, "title": mine.title, "text": mine.text, "digest": mine.digest}
    )


async def agree(visit: Visit, body: Body, name: str) -> Answer:
    """``POST agreement``: accept the version that was read."""
    judgement = await visit.judgement()
    if not isinstance(judgement.decision, (Agree, Allow)):
        return problem(_pending(judgement) or Refusal(reason="proof_required"))
    refusal = await visit.service.keeping.accept(visit.caller, version=body["version"])
    return problem(refusal) if refusal is not None else as_json(await state_document(visit))


async def recovery(visit: Visit, body: Body, name: str) -> Answer:
    """``POST recovery``: a request for the administrators."""
    result = await visit.service.keeping.request_recovery(visit.caller, about=body["about"])
    return problem(result) if isinstance(result, Refusal) else as_json({"ref": result}, status=202)


def _pending(judgement: Judgement) -> Refusal | None:
    """Why a half-signed-in session sees nothing here."""
    match judgement.decision:
        case StepUp():
            return Refusal(reason="proof_required", max_age=judgement.decision.demand.max_age)
        case Deny():
            return Refusal(reason="locked", ref=judgement.decision.ref, attempts_remaining=0)
        case Allow() | Agree() | Enroll():
            standing = judgement.standing
            held = bool(standing and (standing.account.authenticators or standing.enrolled))
            return Refusal(reason="proof_required") if held and standing and not standing.proofs else None


_TEXT = (str,)
CALLS: Mapping[str, Mapping[str, Call]] = {
    "/state": {"GET": Call(state, {})},
    "/challenge": {"POST": Call(challenge, {"authenticator": _TEXT}, ("authenticator",))},
    "/verify": {
        "POST": Call(
            verify,
            {"challenge": _TEXT, "authenticator": _TEXT, "response": (str, dict), "remember": (bool,)},
            ("response",),
            MAX_PROOF_BODY,
        )
    },
    "/enroll": {"POST": Call(enroll, {"factor": _TEXT, "phone": _TEXT, "label": _TEXT}, ("factor",))},
    "/enroll/confirm": {
        "POST": Call(
            confirm,
            {"enrollment": _TEXT, "response": (str, dict)},
            ("enrollment", "response"),
            MAX_PROOF_BODY,
        )
    },
    "/enroll/skip": {"POST": Call(skip, {})},
    "/authenticators": {"GET": Call(authenticators, {})},
    "/backup-codes": {"POST": Call(backup_codes, {})},
    "/browsers": {"GET": Call(browsers, {})},
    "/agreement": {"GET": Call(agreement, {}), "POST": Call(agree, {"version": _TEXT}, ("version",))},
    "/recovery": {"POST": Call(recovery, {"about": _TEXT}, ("about",))},
    "/admin/accounts": {"GET": Call(admin_api.accounts, {})},
    "/admin/tenant": {
        "GET": Call(admin_api.tenant, {}),
        "PATCH": Call(admin_api.set_tenant, {"enabled": (bool,), "factors": (list,), "confirm": _TEXT}),
    },
    "/admin/tenant/remind": {"POST": Call(admin_api.remind, {})},
    "/admin/tenant/test-message": {"POST": Call(admin_api.send_trial, {})},
    "/admin/events": {"GET": Call(admin_api.events, {})},
}
ONE_OF: Mapping[str, Mapping[str, Call]] = {
    "/challenge/": {"GET": Call(challenge_status, {})},
    "/authenticators/": {
        "PATCH": Call(change, {"label": _TEXT, "default": (bool,)}),
        "DELETE": Call(remove, {}),
    },
    "/browsers/": {"DELETE": Call(forget, {})},
}

ACCOUNTS = "/admin/accounts/"
_REASON = {"reason": _TEXT}
ON_ACCOUNT: Mapping[str, Mapping[str, Call]] = {
    "/reset": {"POST": Call(admin_api.reset, {"ticket": _TEXT, **_REASON}, ("ticket", "reason"))},
    **{
        f"/{word}": {"POST": Call(handler, _REASON, ("reason",))}
        for word, handler in admin_api.ACTIONS.items()
        if word != "reset"
    },
    "/break-glass": {
        "POST": Call(admin_api.break_glass, {**_REASON, "ticket": _TEXT, "hours": (int,)}, ("reason", "ticket"))
    },
    "/break-glass/confirm": {"POST": Call(admin_api.confirm_grant, {"ref": _TEXT})},
    "/break-glass/revoke": {"POST": Call(admin_api.revoke_grant, _REASON, ("reason",))},
    "": {"GET": Call(admin_api.account, {})},
}


def find(place: str) -> tuple[Mapping[str, Call], str] | None:
    """The calls of an address by method, and the name in its last segment; None: there is nothing."""
    fixed = CALLS.get(place)
    if fixed is not None:
        return fixed, ""
    for action, calls in ON_ACCOUNT.items():
        middle = place.removeprefix(ACCOUNTS).removesuffix(action)
        if place == ACCOUNTS + middle + action and middle and "/" not in middle and len(middle) <= MAX_ID_BYTES:
            return calls, middle
    for start, calls in ONE_OF.items():
        rest = place.removeprefix(start)
        if rest != place and rest and "/" not in rest and len(rest) <= 64:
            return calls, rest
    return None
