"""Make the answers to callers: pages, redirects, JSON, and problem documents of refusals."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol, TypeGuard, runtime_checkable
from urllib.parse import quote

from ..core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp
from ..core.reasons import Refusal
from ..factors.region_names import told_regions
from .assets import CSP
from .members import words_of
from .types import Scope, Send

Header = tuple[bytes, bytes]

PRINTABLE = "".join(map(chr, range(33, 127)))
"""The characters that stand in an address as they are: all others are quoted before the address leaves."""
CLOSE_CODE = 4401
"""The close code of a websocket that needs a proof."""

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
FRAMED_HEADERS: tuple[Header, ...] = (
    *NO_STORE,
    (b"content-security-policy", CSP.replace("; frame-ancestors 'none'", "").encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
)
"""The headers of the one page that frames may show (decision 57). Isolated pages show only frames with the last one."""


@runtime_checkable
class TellsCookie(Protocol):
    """A session of Starlette: once it was read, its layer adds ``Cookie`` to ``Vary``."""

    @property
    def accessed(self) -> bool:
        """Tell if the session was read."""


def stamp(at: int) -> str:
    """Write a time (UTC seconds) as RFC 3339."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answer:
    """A whole answer of ours, sent at once.

    ``headers`` come in addition to the length and the media type, which every answer has. ``reason`` is the one of the
    refusal that the answer tells, "" for any other.
    """

    __slots__ = ("body", "headers", "reason", "status")

    def __init__(self, status: int, body: bytes = b"", headers: Iterable[Header] = (), *, media: str = "") -> None:
        self.status = status
        self.reason = ""
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
        """Return the headers for one request.

        If the session layer around the gate says ``Vary: Cookie``, we do not.
        """
        session = scope.get("session")
        if not _tells_cookie(session) or not session.accessed:
            return self.headers
        return [item for item in self.headers if item != VARY_COOKIE]


_TELLING: dict[type, bool] = {}
"""The classes of sessions that were met, and True for those that tell. To ask a protocol costs as much as an answer."""


def _tells_cookie(session: object) -> TypeGuard[TellsCookie]:
    kind = type(session)
    if kind not in _TELLING:
        _TELLING[kind] = isinstance(session, TellsCookie)
    return _TELLING[kind]


def page(body: bytes, *, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """Make the answer with a page of ours, which nobody caches or frames."""
    return Answer(status, body, (*PAGE_HEADERS, *headers), media="text/html; charset=utf-8")


def leading_elsewhere(headers: Iterable[Header]) -> list[Header]:
    """Let the form of a page be answered by a redirect to another origin, as for a payment."""
    policy = (b"content-security-policy", CSP.encode())
    freed = (policy[0], policy[1].replace(b"form-action 'self'; ", b""))
    return [freed if item == policy else item for item in headers]


def framed_page(body: bytes, headers: Iterable[Header] = ()) -> Answer:
    """Make the answer with the small page that a frame shows: a link and nothing else."""
    return Answer(403, body, (*FRAMED_HEADERS, *headers), media="text/html; charset=utf-8")


def leading(name: bytes, to: str) -> Header:
    """Make the header that leads to an address.

    Every address that leaves in a header goes through here. All that is not printable ASCII is quoted, so no text of a
    visitor can end the header, or stop the answer.
    """
    return name, quote(to, safe=PRINTABLE, errors="surrogatepass").encode("ascii")


def allowing(methods: Iterable[str]) -> Header:
    """Make the header that lists the methods of an address: HEAD wherever GET is."""
    listed = [*methods]
    return b"allow", ", ".join([*listed, *(["HEAD"] if "GET" in listed else [])]).encode()


def empty(refusal: Refusal, headers: Iterable[Header] = ()) -> Answer:
    """Make a refusal without a word, for callers that read none: pictures, scripts, probes."""
    answer = Answer(refusal.row.status, b"", (*NO_STORE, *headers))
    answer.reason = refusal.reason
    return answer


def redirect(to: str, headers: Iterable[Header] = ()) -> Answer:
    """Make a 303 to a place on this site.

    After a 303 a browser never sends the body again (S-16).
    """
    return Answer(303, b"", (*NO_STORE, leading(b"location", to), *headers))


def as_json(
    value: object, *, status: int = 200, headers: Iterable[Header] = (), media: str = "application/json"
) -> Answer:
    """Make an answer in JSON."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, body, (*NO_STORE, (b"x-content-type-options", b"nosniff"), *headers), media=media)


def problem_of(refusal: Refusal, *, status: int | None = None, **more: object) -> dict[str, object]:
    """Return a refusal as members of a problem document (RFC 9457).

    ``more`` adds members; a member that is None is left out.
    """
    row = refusal.row
    title, detail = words_of(refusal.reason, refusal.member) or (row.title, row.text)
    problem: dict[str, object] = {
        "type": f"urn:mfa-gate:{refusal.reason}",
        "title": title,
        "status": status or row.status,
        "detail": _detail(refusal) or detail,
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
    if refusal.items:
        problem["open"] = list(refusal.items)
    problem.update({name: value for name, value in more.items() if value is not None})
    return problem


def _detail(refusal: Refusal) -> str:
    """Say the detail of a refusal in a sentence, in English; "" where there is none."""
    told, form = refusal.detail, refusal.row.beside_form
    if not told or form is None or not (form.detailed or told in form.by_detail):
        return told
    about, names = told_regions(told) if refusal.reason == "phone_region" else ("", told)
    return form.words(detail=told) % {"detail": names, "about": about}


def problem(refusal: Refusal, *, status: int | None = None, headers: Iterable[Header] = (), **more: object) -> Answer:
    """Make the answer with the problem document of a refusal."""
    extra = list(headers)
    if refusal.retry_after is not None:
        extra.append((b"retry-after", str(refusal.retry_after).encode()))
    elif refusal.row.status == 503:
        extra.append((b"retry-after", b"1"))
    value = problem_of(refusal, status=status, **more)
    answer = as_json(value, status=status or refusal.row.status, headers=extra, media="application/problem+json")
    answer.reason = refusal.reason
    return answer


def refusal_of(decision: Decision) -> Refusal:
    """Return the refusal that stands for a decision, for callers that load no page.

    Raises ``ValueError`` for an ``Allow``.
    """
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
    """Return the page of ours that leads on from a decision, as a path below the prefix.

    For an ``Allow`` it is "", the prefix itself.
    """
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
