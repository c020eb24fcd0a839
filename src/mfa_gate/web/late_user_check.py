"""The alarm for a user who appears inside the app on a request that the gate saw as anonymous (S-14)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..core.model import SubjectKey
from ..core.reasons import Refusal
from ..errors import MFAGateError
from ..service import Service
from .deny import send_problem
from .types import Scope, Send

log = logging.getLogger("mfa_gate")

SeesUser = Callable[[Scope], bool]

STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


def check_late_user(service: Service, scope: Scope, send: Send, sees_user: SeesUser | None) -> Send:
    """Wrap the ``send`` of a request that nobody is signed in on: nothing leaves once the app has found somebody."""
    tripped = False

    async def watched(message: Any) -> None:
        nonlocal tripped
        if tripped:
            return
        if message["type"] in STARTS and _sees_somebody(scope, sees_user):
            tripped = True
            await _refuse(service, scope, send)
            return
        await send(message)

    return watched


def _sees_somebody(scope: Scope, sees_user: SeesUser | None) -> bool:
    """Say whether the app has found somebody: by ``scope["user"]`` for every adapter, and by what the adapter itself knows."""
    user = scope.get("user")
    if user is not None and getattr(user, "is_authenticated", bool(user)):
        return True
    return sees_user is not None and sees_user(scope)


async def _refuse(service: Service, scope: Scope, send: Send) -> None:
    moment = service.engine.moment()
    event = moment.event("gate.tripwire", SubjectKey("default", "unknown"), reason="user inside, nobody outside")
    log.error(
        "mfa_gate: the app found a user in a request that the gate saw as anonymous; what authenticates must be "
        "outside the gate: add AuthenticationMiddleware after gate.install(app) (ref %s)",
        event.id,
    )
    try:
        await service.engine.record((event,))
    except MFAGateError:
        service.engine.effects.tell(event)

    async def taken() -> None:
        """The app has taken the connect message of a websocket already."""

    await send_problem(scope, taken, send, Refusal(reason="fault", ref=event.id))
