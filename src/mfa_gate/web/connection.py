"""Hold one connection that was let through.

It keeps the request as it was judged, and decides which messages of the app may still leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Any, Literal, Protocol

from starlette.exceptions import HTTPException

from ..core.decision import FOREVER, Decision
from ..core.model import Subject
from ..core.policy import Demand
from ..service import Judgement
from ..service.access import Pass
from ..service.accounts import Entry
from .departures import STATUSES, Departures
from .endpoint_demands import EndpointDemands
from .forms import Heard, is_urlencoded
from .late_user_check import LateUserCheck
from .responses import CLOSE_CODE, Answer
from .scope import app_path, header_in
from .types import Receive, Scope, Send
from .unheard import nothing_more

log = logging.getLogger("mfa_gate")


PACE = 0.01
"""Seconds that each further part of an answer costs the app on a connection that is over."""
STARTS = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
LASTS = frozenset(("http.response.pathsend", "websocket.close", "websocket.http.response.start"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times for looking at open connections, in seconds of ``clock``.

    ``tick`` is the time between two looks at the store's notices. After ``again`` everything is judged, even if the
    store tells of no change. ``patience`` is the longest wait for a client that does not take the close.
    """

    tick: float = 0.5
    again: float = 25.0
    patience: float = 1.0
    clock: Callable[[], float] = monotonic


class ConnectionCut(Exception):
    """An error for the server after an answer has begun.

    The server then closes the connection, and the client sees that it was cut.
    """


class ProofRequired(HTTPException):
    """The way out of an endpoint that demands more than the request has.

    The gate answers, even if the app catches this error or turns it into something else. To Starlette and FastAPI it
    is a refusal like any other, so no error layer takes it for a fault of the app. ``fault`` is the error that kept
    the gate from judging.
    """

    def __init__(
        self, decision: Decision | None, demands: tuple[Demand, ...], *, fault: Exception | None = None
    ) -> None:
        self.decision = decision
        self.demands = demands
        self.fault = fault
        super().__init__(403, "a fresher or stronger second factor is needed")


@dataclass(slots=True, eq=False)
class LetIn:
    """The right of a signed-in subject who was let in.

    ``entry`` is the account that was looked at, None where nothing was read. ``ends_at`` is the time at which time
    alone may change the decision. ``learned`` is False where the store could not be asked.
    """

    subject: Subject
    entry: Entry | None
    ends_at: int = FOREVER
    learned: bool = True


class WithoutSubject(Enum):
    """The reasons to ask nobody for a proof: a rule exempts the path, or nobody is signed in."""

    EXEMPT = "exempt"
    ANONYMOUS = "anonymous"


EXEMPT, ANONYMOUS = WithoutSubject.EXEMPT, WithoutSubject.ANONYMOUS
Passed = Pass | LetIn | WithoutSubject
"""Why a connection passed at the door: somebody was let in, a rule exempts it, or nobody was signed in."""
Seen = tuple[str, str, Any, Any]
"""Path, root, client and headers of a request as they came to the gate."""


def seen_in(scope: Scope) -> Seen:
    """Take what routers and middlewares of the app change in place."""
    return scope["path"], scope.get("root_path", ""), scope.get("client"), scope["headers"]


class Connections(Protocol):
    """All open connections of a gate."""

    timing: Timing
    open: set[Connection]


class ConnectionGate(Protocol):
    """The parts of the gate that a connection needs."""

    @property
    def connections(self) -> Connections:
        """Return all open connections, with this one."""

    departures: Departures
    endpoint_demands: EndpointDemands
    keeps_forms: bool
    late_user_check: LateUserCheck

    async def judge_again(self, scope: Mapping[str, Any], *, extra: tuple[Demand, ...] = ()) -> Judgement | None:
        """Judge a connection again, with further demands; None where nobody is signed in."""

    async def only_reports(self, scope: Scope, demands: tuple[Demand, ...]) -> bool:
        """Tell if an endpoint's demand is only reported here, and count what it would have done."""

    async def answer_demand(self, scope: Scope, receive: Receive, send: Send, need: ProofRequired) -> None:
        """Answer the demand of an endpoint."""


class Connection:
    """A connection inside the app. The app gets its ``receive`` and ``send``.

    ``over`` says that nothing of the app leaves any more: ``end`` (a websocket or an event stream was ended), ``cut``
    (another response is aborted), ``need`` (an endpoint demands a proof, which the gate answers), ``user`` (the app
    found a user where the gate saw nobody, which the gate answers), ``away`` (the app led to another origin, where a page of
    the gate leads). ``ended`` says that the app has read the body to its
    end, ``heard`` has what it has read, where the host keeps forms. ``afterwards`` is called when the app has ended.
    """

    # One is made for each request. Slots cost half of what attributes do, and a default of the class costs nothing:
    # most connections are over within a moment and need no more than the slots.
    __slots__ = (
        *("__dict__", "_receive", "_seen", "_send"),
        *("gate", "last", "over", "passed", "scope", "start", "task"),
    )
    need: ProofRequired | None = None
    gone = False
    connected = False
    ended = False
    judged_at: float | None = None
    over_at = 0.0
    looking = False
    asking = False
    cancels = 0
    closing: asyncio.Task[None] | None = None
    heard: Heard | None = None
    afterwards: Callable[[], Awaitable[None]] | None = None
    _readers: dict[asyncio.Task[Any], bool] | None = None

    def __init__(
        self,
        gate: ConnectionGate,
        task: asyncio.Task[Any] | None,
        scope: Scope,
        seen: Seen,
        receive: Receive,
        send: Send,
        passed: Passed,
    ) -> None:
        self.gate = gate
        self.task = task
        self.scope = scope
        self._seen = seen
        self.passed = passed
        self._receive = receive
        self._send = send
        self.over: Literal["", "end", "cut", "need", "user", "away"] = ""
        self.start: Any = None
        self.last: Any = None

    # -- what the app is given -----------------------------------------------------------------------------------

    def send(self, message: Any) -> Awaitable[None]:
        """Pass on a message of the app, as long as the connection may go on."""
        if self.over:
            return self._drop(message)
        if self.start is None and message["type"] in STARTS:
            if self.passed is ANONYMOUS and self.gate.late_user_check.sees_somebody(self.scope):
                self._stop("user")
                return self.gate.late_user_check.refuse(self.scope, self._send)
            if message.get("status") in STATUSES and (page := self._departure(message)) is not None:
                self._stop("away")
                return page.send(self.scope, self._send)
            self.start = message
        self.last = message
        return self._send(message)

    def _departure(self, start: Any) -> Answer | None:
        """Make the page that goes on in the place of a redirect, where it takes one."""
        if isinstance(self.passed, WithoutSubject):
            return None
        return self.gate.departures.page_for(self.as_judged(), start, self.passed.subject.tenant)

    async def receive(self) -> Any:
        """Pass on a message of the client.

        Once the connection is over, this tells the app that the client has gone.
        """
        if self.over in ("end", "cut"):
            return self._disconnect()
        task = asyncio.current_task()
        readers = self._readers = {} if self._readers is None else self._readers
        if task is not None:
            readers[task] = False
        try:
            message = await self._receive()
        except asyncio.CancelledError:
            if task is None or not readers[task] or task.uncancel():
                raise
            return self._disconnect()
        finally:
            if task is not None:
                readers.pop(task, None)
        kind = message["type"]
        self.connected = True
        self.ended = not message.get("more_body")
        if self.heard is None and self.gate.keeps_forms and kind == "http.request" and is_urlencoded(self.scope):
            self.heard = Heard()
        if self.heard is not None and kind == "http.request":
            self.heard.add(message)
        self.gone = self.gone or kind in ("http.disconnect", "websocket.disconnect")
        return message

    def _disconnect(self) -> dict[str, Any]:
        kind = self.scope["type"]
        return {"type": "http.disconnect"} if kind == "http" else {"type": "websocket.disconnect", "code": CLOSE_CODE}

    async def _drop(self, message: Any) -> None:
        """Let no message out.

        An app that does not notice for long gets ``OSError``, as from a server whose client has gone.
        """
        if not message.get("more_body") and message["type"] != "websocket.send":
            return
        timing = self.gate.connections.timing
        if self.over != "need" and timing.clock() - self.over_at >= timing.again:
            raise OSError("mfa_gate: the connection is over")
        await asyncio.sleep(PACE)

    # -- what the gate knows of it -------------------------------------------------------------------------------

    def as_judged(self, scope: Mapping[str, Any] | None = None) -> Scope:
        """Return the request as it came to the gate, with the user who is signed in by now.

        ``scope`` is the scope of the part of the app that asks. Routers change path and root in place.
        """
        path, root, client, headers = self._seen
        asked = self.scope if scope is None else scope
        return {**asked, "path": path, "root_path": root, "client": client, "headers": headers}

    @property
    def path(self) -> str:
        """Return the app's own path, as it was judged."""
        return app_path({"path": self._seen[0], "root_path": self._seen[1]})

    @property
    def is_live(self) -> bool:
        """Tell if the connection is judged again: a websocket, or an event stream."""
        if self.scope["type"] == "websocket":
            return True
        if self.start is None:
            return False
        media = header_in(self.start.get("headers", ()), b"content-type")
        return media.partition(b";")[0].strip().lower() == b"text/event-stream"

    @property
    def is_done(self) -> bool:
        """Tell if nothing is left to end: the answer is complete, or the client has gone."""
        last = self.last
        if self.gone or last is None:
            return self.gone
        kind = last["type"]
        return kind in LASTS or (kind == "http.response.body" and not last.get("more_body"))

    # -- how it ends ---------------------------------------------------------------------------------------------

    def end(self) -> None:
        """End a websocket or an event stream.

        The gate's own close goes out, and nothing of the app after it.
        """
        self._stop("end")
        self.closing = asyncio.get_running_loop().create_task(self._close())

    def cut(self) -> None:
        """Abort a response: nothing more of it leaves.

        The app goes on, and may notice that its client has gone.
        """
        self._stop("cut")
        for task in self._readers or ():
            if self._readers is not None:
                self._readers[task] = True
            task.cancel()

    def refuse(self, need: ProofRequired) -> ProofRequired:
        """Keep the demand of an endpoint, even if the app catches the error on its way.

        An answer that has begun is ended instead.
        """
        if self.over:
            return need
        if self.start is None:
            self.need = need
            self._stop("need")
        elif not self.is_done:
            self.end() if self.is_live else self.cut()
        return need

    def _stop(self, how: Literal["end", "cut", "need", "user", "away"]) -> None:
        self.over = how
        self.over_at = self.gate.connections.timing.clock()

    async def _close(self) -> None:
        message: dict[str, Any] = {"type": "http.response.body", "body": b"", "more_body": False}
        if self.scope["type"] == "websocket":
            message = {"type": "websocket.close", "code": CLOSE_CODE, "reason": "second factor required"}
        try:
            await self._send(message)
        except Exception as error:
            log.debug("mfa_gate: the connection was over before it could be ended: %s", error)

    async def connect(self) -> Any:
        """Return the first message of a websocket, for the gate's answer.

        The app may have taken that message already.
        """
        return {"type": "websocket.connect"} if self.connected else await self._receive()

    async def finish(self, error: BaseException | None) -> None:
        """Finish a connection that is over, after the app has ended.

        ``error`` is the app's exception, or None.
        """
        self.gate.connections.open.discard(self)
        by_others = self._take_back_cancels()
        if by_others and isinstance(error, asyncio.CancelledError):
            if self.closing is not None:
                self.closing.cancel()
            raise error
        own = error is None or isinstance(error, (asyncio.CancelledError, ProofRequired))
        if self.over == "need" and self.need is not None:
            if not own:
                log.warning("mfa_gate: the app failed on the refusal of its own endpoint: %r", error)
            receive = nothing_more if self.ended else self._receive
            if self.scope["type"] == "websocket":
                receive = self.connect
            elif self.heard is not None:
                receive = self.heard.replayed(receive)
            await self.gate.answer_demand(self.as_judged(), receive, self._send, self.need)
        elif self.over == "cut" or not await self._is_closed():
            await self._begin()
            raise ConnectionCut("mfa_gate: the second factor of this connection no longer counts") from None
        elif not own and error is not None:
            raise error

    def _take_back_cancels(self) -> bool:
        """Undo the gate's own cancellations of the task.

        Returns True if somebody else has cancelled the task as well.
        """
        task, own, self.cancels = self.task, self.cancels, 0
        if task is None:
            return True
        for _ in range(own):
            task.uncancel()
        return task.cancelling() > 0

    async def _is_closed(self) -> bool:
        """Wait until the gate's close is out; False for a client that does not take it in time."""
        if self.closing is None:
            return True
        _, late = await asyncio.wait({self.closing}, timeout=self.gate.connections.timing.patience)
        if late:
            self.closing.cancel()
        return not late

    async def _begin(self) -> None:
        """Begin an answer that will be cut, or the server would make a whole one of its own."""
        if self.start is not None:
            return
        head = [(b"content-length", b"1"), (b"cache-control", b"no-store"), (b"connection", b"close")]
        try:
            await self._send({"type": "http.response.start", "status": 403, "headers": head})
            await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        except Exception as error:
            log.debug("mfa_gate: the connection was over before it could be cut: %s", error)
