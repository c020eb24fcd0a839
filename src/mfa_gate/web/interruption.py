"""The note of an interrupted request.

It has the place to lead back to, and the facts by which the request is judged. A page load keeps its note in a cookie, and the
forms of our pages send it along, sealed. Every other caller that tells its page finds the note in the address that leads
on. So several tabs may be on their way at once, and each is judged by its own demand.
"""

from __future__ import annotations

from collections.abc import Collection

from ..core.model import Caller, Seconds
from ..core.policy import Demand, Facts
from .cookies import Note
from .scope import CallerKind, header, origin_in, place_in
from .types import Scope

MARK = "/~"
"""Begins the segment behind the prefix that carries a sealed note: ``/mfa/~…/challenge``."""
MAX_PATH = 512
SAFE = ("GET", "HEAD")


def going_note(
    *,
    to: str,
    path: str,
    method: str,
    clean: bool,
    demands: tuple[Demand, ...] = (),
    is_form: bool = False,
    kept: str = "",
) -> Note:
    """Make the note of an interrupted request.

    It has the place to return to, and the facts by which the request is judged. ``is_form`` says that a form was stopped,
    and ``kept`` is the word by which a kept one is found.
    """
    note: Note = {"to": to, "p": path[:MAX_PATH], "m": method[:16]}
    if not clean or len(path) > MAX_PATH:
        note["c"] = False
    if demands:
        note["d"] = [_noted(demand) for demand in demands]
    if is_form:
        note["f"] = kept
    return note


def is_form(scope: Scope, kind: CallerKind) -> bool:
    """Tell if a person has sent a form: by the page itself, or by the scripts that send forms."""
    return kind in ("page", "htmx", "turbo") and scope["method"] not in SAFE


def facts_of(note: Note, caller: Caller) -> Facts | None:
    """Return the facts by which the interrupted request is judged, or None."""
    path = note.get("p")
    if not isinstance(path, str):
        return None
    return Facts(
        tenant=caller.subject.tenant,
        groups=(caller.acts_as or caller.subject).groups,
        method=str(note.get("m", "GET")),
        path=path,
        clean=bool(note.get("c", True)),
        acting=caller.acts_as is not None,
    )


def demands_of(note: Note) -> tuple[Demand, ...]:
    """Read the endpoint's own demands from the note of the interrupted request."""
    found: list[Demand] = []
    for item in note.get("d", ()):
        rule, max_age, factors, strong, *more = item
        found.append(
            Demand(
                rule=str(rule),
                max_age=Seconds(int(max_age)),
                factors_any=tuple(factors),
                phishing_resistant=bool(strong),
                user_verification=bool(more and more[0]),
            )
        )
    return tuple(found)


def _noted(demand: Demand) -> list[object]:
    """Write a demand down for the note.

    The last member stands there only if it is true: workers of the version before know four members.
    """
    first = [demand.rule, demand.max_age, list(demand.factors_any), demand.phishing_resistant]
    return [*first, True] if demand.user_verification else first


def page_of(scope: Scope, origins: Collection[str]) -> str:
    """Find the page that a form, a fragment or a script belongs to.

    Returns "" where the browser does not say that the page is ours. An old browser names no kind of site: there, the page
    must lie at one of ``origins``.
    """
    current = header(scope, b"hx-current-url") or header(scope, b"referer")
    site = header(scope, b"sec-fetch-site")
    if current is None or site not in (b"same-origin", None):
        return ""
    return place_in(current) if site is not None or origin_in(current) in origins else ""
