"""Answer the calls that bind an authenticator."""

from __future__ import annotations

from ...core.reasons import Refusal
from ..qr_code import drawn, qr_svg
from ..request import PageRequest
from ..responses import Answer, as_json, problem, stamp
from .calls import Body, named
from .challenge import refused
from .documents import authenticator_document, state_document


async def enroll(request: PageRequest, body: Body, name: str) -> Answer:
    """Begin to enroll a factor: ``POST enroll``.

    The answer is a draft. A factor that sends, sends its code now. ``conditional``: the browser will make a passkey by
    itself, with ``mediation: "conditional"``, if it can.
    """
    begun = await request.service.enrollments.begin(
        request.caller,
        factor=body["factor"],
        phone=body.get("phone", ""),
        label=body.get("label", ""),
        unasked=body.get("conditional", False),
    )
    if isinstance(begun, Refusal):
        phone = dict.fromkeys(("phone_region", "phone_type", "phone_invalid", "phone_extension"), "phone")
        return problem(named(begun, not_enrollable="factor", already_enrolled="factor", label_taken="label", **phone))
    shown = begun.shown
    document: dict[str, object] = {
        "enrollment": begun.enrollment.id,
        "factor": begun.enrollment.factor,
        "expires_at": stamp(begun.enrollment.expires_at),
    }
    if "uri" in shown:
        picture = qr_svg(await drawn(shown["uri"]), "QR code")
        document |= {"uri": shown["uri"], "qr_svg": str(picture)}
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
            refusal = Refusal(reason="send_failed", ref=begun.issued.ref)
            return problem(refusal, enrollment=begun.enrollment.id, cause=cause)
    return as_json(document, status=201)


async def confirm(request: PageRequest, body: Body, name: str) -> Answer:
    """Confirm a draft by a first response: ``POST enroll/confirm``.

    The backup codes of a first enrollment are told here, this once.
    """
    done = await request.service.enrollments.confirm(
        request.caller, handle=request.handle, enrollment=body["enrollment"], response=body["response"]
    )
    if isinstance(done, Refusal):
        return await refused(request, body, done)
    token = request.take_proof(done.handle, remembered=request.rules.freshness.remember == "browser")
    request.forget_judgement()
    document: dict[str, object] = {
        "authenticator": authenticator_document(request, await request.judgement(), done.authenticator)
    }
    if done.backup_codes:
        document["backup_codes"] = list(done.backup_codes)
        await request.service.backup.saved(request.caller)
    if token:
        document["proof_token"] = token
    return as_json(document, status=201)


async def skip(request: PageRequest, body: Body, name: str) -> Answer:
    """Put enrollment off while it is optional: ``POST enroll/skip``."""
    refusal = await request.service.leave.skip(request.caller)
    return problem(refusal) if refusal is not None else as_json(await state_document(request))
