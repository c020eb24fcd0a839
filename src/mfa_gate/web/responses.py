"""What refused callers get: one place that turns a decision, a refusal or an error into an answer for who is asking."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from ..core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp
from ..core.reasons import Refusal
from .assets import CSP
from .members import words_of
from .types import Scope, Send

Header = tuple[bytes, bytes]

VARY_COOKIE: Header = (b"vary", b"Cookie")
NO_STORE: tuple[Header, ...] = ((b"cache-control", b"no-store"), VARY_COOKIE)
PAGE_HEADERS: tuple[Header, ...] = (
    *NO_STORE,
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)


@runtime_checkable
class TellsCookie(Protocol):
    """Starlette's session, whose layer adds ``Cookie`` to ``Vary`` once the session was looked at."""

    @property
    def accessed(self) -> bool:
        """Whether it was looked at."""


def stamp(at: int) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answer:
    """A whole answer of ours, sent at once. ``headers`` come besides the ones that every answer of ours has."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[Header] = (), *, media: str = "") -> None:
        self.status = status
        self.body = body
        self.headers = [*headers, (b"content-length", str(len(body)).encode())]
        if media:
            self.headers.append((b"content-type", media.encode()))

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it; to HEAD without the body."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers_for(scope)})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})

    def headers_for(self, scope: Scope) -> list[Header]:
        """Return the headers for one request. Where the session layer around the gate says ``Vary: Cookie``, we do not."""
        session = scope.get("session")
        if not isinstance(session, TellsCookie) or not session.accessed:
            return self.headers
        return [item for item in self.headers if item != VARY_COOKIE]


def page(body: bytes, *, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """A page of ours, which nobody caches or frames."""
    return Answer(status, body, (*PAGE_HEADERS, *headers), media="text/html; charset=utf-8")


def redirect(to: str, headers: Iterable[Header] = ()) -> Answer:
    """303 to a place on this site: a body is never sent on (S-16)."""
    return Answer(303, b"", (*NO_STORE, (b"location", to.encode("ascii")), *headers))


def as_json(
    value: object, *, status: int = 200, headers: Iterable[Header] = (), media: str = "application/json"
) -> Answer:
    """A JSON answer."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, body, (*NO_STORE, (b"x-content-type-options", b"nosniff"), *headers), media=media)


def problem_of(refusal: Refusal, *, status: int | None = None, **more: object) -> dict[str, object]:
    """A refusal as RFC 9457 members."""
    row = refusal.row
    title, detail = (refusal.reason == "malformed" and words_of(refusal.member)) or (row.title, row.text)
    problem: dict[str, object] = {
        "type": f"urn:mfa-gate:{refusal.reason}",
        "title": title,
        "status": status or row.status,
        "detail": refusal.detail or detail,
        "reason": refusal.reason,
    }
    if refusal.ref:
        problem["ref"] = refusal.ref
    if refusal.member:
        problem["member"] = refusal.member
    if refusal.attempts_remaining is not None:
        problem["attempts_remaining"] = refusal.attempts_remaining
    if refusal.retry_after is not None:
        problem["retry_after"] = refusal.retry_after
    if refusal.max_age is not None:
        problem["max_age"] = refusal.max_age
    problem.update({name: value for name, value in more.items() if value is not None})
    return problem


def problem(refusal: Refusal, *, status: int | None = None, headers: Iterable[Header] = (), **more: object) -> Answer:
    """A problem document."""
    extra = list(headers)
    if refusal.retry_after is not None:
        extra.append((b"retry-after", str(refusal.retry_after).encode()))
    elif refusal.row.status == 503:
        extra.append((b"retry-after", b"1"))
    value = problem_of(refusal, status=status, **more)
    return as_json(value, status=status or refusal.row.status, headers=extra, media="application/problem+json")


def refusal_of(decision: Decision) -> Refusal:
    """The reason by which a decision that is no ``Allow`` is told to callers that are no page loads."""
    match decision:
        case Enroll():
            return Refusal(reason="proof_required")
        case StepUp():
            return Refusal(reason="proof_required", max_age=decision.demand.max_age)
        case Agree():
            return Refusal(reason="agreement_required")
        case Deny():
            return Refusal(reason="locked", ref=decision.ref, attempts_remaining=0)
        case Allow():
            raise ValueError("what is allowed is not refused")


def place_of(decision: Decision) -> str:
    """Which page of ours leads on from a decision, below the prefix."""
    match decision:
        case Enroll():
            return "/enroll"
        case StepUp():
            return "/challenge"
        case Agree():
            return "/agreement"
        case Deny():
            return "/locked"
        case Allow():
            return ""
