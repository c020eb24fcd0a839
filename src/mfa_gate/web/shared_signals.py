"""Answer the pushes of a transmitter of Shared Signals at ``/hooks/signals`` (RFC 8935)."""

from __future__ import annotations

import json

from ..core.reasons import Refusal
from ..service.shared_signals import TYPE, KeysUnreadable, SignalRefused
from .forms import BadBody, media_type, read_body
from .responses import NO_STORE, Answer, problem
from .scope import header
from .site import Site
from .types import Receive, Scope

PLACE = "signals"


async def answer(site: Site, scope: Scope, receive: Receive) -> Answer:
    """Take one token: 202 where it was understood, 400 with the reason where it was not.

    503 asks the transmitter to push it again: the fault is on this side (RFC 8935, 2.3).
    """
    receiver = site.service.signals
    if receiver.settings is None:
        return problem(Refusal(reason="not_found"))
    if scope["method"] != "POST":
        return problem(Refusal(reason="method_not_allowed"), headers=[(b"allow", b"POST")])
    try:
        if media_type(scope) != f"application/{TYPE}":
            raise SignalRefused("invalid_request", f"Send the token as application/{TYPE}.")
        body = await read_body(scope, receive, within=site.body_within)
        shown = (header(scope, b"authorization") or b"").decode("latin-1")
        await receiver.take(body.decode("ascii", "replace").strip(), authorization=shown)
    except BadBody as bad:
        return _refused(SignalRefused("invalid_request", bad.detail or "The body did not come."))
    except SignalRefused as refused:
        return _refused(refused)
    except KeysUnreadable:
        return Answer(503, b"", [*NO_STORE, (b"retry-after", b"60")])
    return Answer(202, b"", NO_STORE)


def _refused(refused: SignalRefused) -> Answer:
    status = 401 if refused.err == "authentication_failed" else 400
    body = json.dumps({"err": refused.err, "description": refused.description}).encode()
    return Answer(status, body, [*NO_STORE, (b"content-language", b"en")], media="application/json")
