"""Binding an authenticator."""

from __future__ import annotations

from ...core.reasons import Refusal
from ..qr_code import drawn, qr_svg
from ..request import PageRequest
from ..responses import Answer, as_json, problem, stamp
from .calls import Body
from .challenge import refused
from .documents import authenticator_document, state_document


async def enroll(request: PageRequest, body: Body, name: str) -> Answer:
    """``POST enroll``: a draft; what sends, sends its code now."""
    begun = await request.service.enrollments.begin(
        request.caller, factor=body["factor"], phone=body.get("phone", ""), label=body.get("label", "")
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
            return problem(Refusal(reason="send_failed"), enrollment=begun.enrollment.id, cause=cause)
    return as_json(document, status=201)


async def confirm(request: PageRequest, body: Body, name: str) -> Answer:
    """``POST enroll/confirm``: the try-out. The codes of a first enrollment are told here, this once."""
    done = await request.service.enrollments.confirm(
        request.caller, handle=request.handle, enrollment=body["enrollment"], response=body["response"]
    )
    if isinstance(done, Refusal):
        return await refused(request, body, done)
    if done.again:
        return problem(Refusal(reason="code_already_used"))
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
    """``POST enroll/skip``: put it off while it is optional."""
    refusal = await request.service.leave.skip(request.caller)
    return problem(refusal) if refusal is not None else as_json(await state_document(request))
