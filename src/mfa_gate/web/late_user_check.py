"""Notice a user inside the app on a request that the gate saw as anonymous (S-14)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..core.model import SubjectKey
from ..core.reasons import Refusal
from ..errors import MFAGateError
from ..ports import Identify, SeesUsers
from ..service import Service
from .deny import send_answer
from .responses import Answer
from .types import Scope, Send

log = logging.getLogger("mfa_gate")

SeesUser = Callable[[Scope], bool]
Told = Callable[[Scope, Refusal], Answer]


class LateUserCheck:
    """A look for a user at the start of an answer to an anonymous request."""

    def __init__(self, service: Service, identify: Identify, *, spares_all: Callable[[], bool], told: Told) -> None:
        """Take the adapter.

        ``spares_all`` tells if the policy only reports for everybody: then no answer is replaced. ``told`` makes the answer.
        """
        self._service = service
        self._told = told
        self._spares_all = spares_all
        self._identify = identify
        # Tested only once: the test for a protocol costs more than all the rest of an anonymous request.
        self._sees_user: SeesUser | None = identify.sees_user if isinstance(identify, SeesUsers) else None

    def sees_somebody(self, scope: Scope) -> bool:
        """Tell if the app has found a user, and the policy enforces something.

        It looks at ``scope["user"]``, and asks the adapter if it sees one.
        """
        user = scope.get("user")
        if user is not None and getattr(user, "is_authenticated", bool(user)):
            return not self._spares_all()
        sees_user = self._sees_user
        return sees_user is not None and sees_user(scope) and not self._spares_all()

    async def refuse(self, scope: Scope, send: Send) -> None:
        """Answer 503 in the app's place, and report a gate that stands in the wrong place."""
        engine = self._service.engine
        event = engine.moment().event("gate.tripwire", SubjectKey("default", "unknown"), reason="user inside")
        log.error(
            "mfa_gate: the app found a user in a request that the gate saw as anonymous by identify=%r; what authenticates must "
            "be outside the gate: add AuthenticationMiddleware after gate.install(app); or identify looks in the wrong place "
            "(ref %s)",
            self._identify,
            event.id,
        )
        try:
            await engine.record((event,))
        except MFAGateError:
            engine.effects.tell(event)

        async def taken() -> None:
            """Stand for the connect message of a websocket, which the app has taken already."""

        await send_answer(scope, taken, send, self._told(scope, Refusal(reason="fault", ref=event.id)))
