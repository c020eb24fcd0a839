"""The request that our pages interrupted, and its note.

The note has the place to lead back to, and the facts by which the request is judged. A page load keeps its note in a
cookie, and the forms of our pages send it along, sealed. Every other caller that tells its page finds the note in the
address that leads on. So several tabs may be on their way at once, and each is judged by its own demand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ..core.model import Caller, Seconds, SubjectKey
from ..core.policy import Demand, Facts
from .cookies import Cookies, Jar, Note, cookie_value
from .responses import Header
from .scope import CallerKind, header, origin_in, place_in
from .types import Scope

MARK = "/~"
"""Begins the segment behind the prefix that carries a sealed note: ``/mfa/~…/challenge``."""
OFFERED = "o"
"""The member of a note that says: an offer stands on the way. Only an address has it, never the cookie."""
MAX_PATH = 512
MAX_ODD_PATH = 64
"""Characters of a path with a trick in it, or with letters of other scripts. Each may take twelve bytes of the note, and a
browser drops a cookie of more than 4096 (F-31). Nothing is lost: every rule that such a path could mean holds for it."""
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
    note: Note = {"to": to, "p": path[: MAX_PATH if clean else MAX_ODD_PATH], "m": method[:16]}
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


def _without_offer(note: Note) -> Note:
    return {name: value for name, value in note.items() if name != OFFERED}


@dataclass(slots=True, kw_only=True)
class Interruption:
    """The interrupted request, as one browser's cookies and the address of our page tell it.

    ``carried`` is the segment of the address that holds the note, "" where the cookie does. ``leads_back`` says that this page
    lies on the way back to the interrupted one. ``headers`` are those of the answer: the cookies are set there.
    """

    cookies: Cookies
    jar: Jar
    scope: Scope
    key: SubjectKey
    headers: list[Header]
    carried: str = ""
    leads_back: bool = False
    _note: Note | None = None

    @property
    def note(self) -> Note:
        """Return the note, which is empty where nothing was interrupted.

        Its ``to`` is the place to lead on to.
        """
        if self._note is None:
            self._note = self.cookies.note(self.jar, self.jar.going, self.scope)
        return self._note

    def sealed(self) -> str:
        """Return the note for a form of our page.

        It is "" where the address carries the note, and where nothing has asked for it.
        """
        return self.cookies.seal_note(self.key, self._note) if self._note and not self.carried else ""

    def take(self, sealed: str) -> bool:
        """Take the note from the address. Returns False if it is none of this subject's."""
        note = self.cookies.open_note(self.key, sealed)
        if note:
            self._note, self.carried = note, MARK + sealed
        return bool(note)

    def keep_carried(self) -> None:
        """Keep the carried note in the cookie as well, unless another tab's note is there.

        So the way back is not lost if somebody goes on at a plain address of ours. Anybody may have sent the address:
        what it says of a form stays in the cookie only if the form is this browser's.
        """
        if cookie_value(self.scope, self.jar.going):
            return
        note = _without_offer(self.note)
        if not self.has_kept(str(note.get("f", ""))):
            note = {name: value for name, value in note.items() if name != "f"}
        if note:
            self.keep(note)

    def heed_form(self, sealed: str) -> None:
        """Go on by the note in a form, if the cookie has another one by now.

        A page load in another tab has changed the cookie. From here on the address carries the note. Anybody may write such
        a form, as anybody may write such an address.
        """
        note = self.cookies.open_note(self.key, sealed)
        if note and not self.carried and note != self.note:
            self.take(sealed)

    def has_kept(self, word: str) -> bool:
        """Tell if a word is that of the form which this very browser has sent.

        An address with a word may come from somebody else, with a form that the person has never seen.
        """
        return bool(word) and self.cookies.note(self.jar, self.jar.form, self.scope).get("w") == word

    def unsent(self) -> Literal["", "lost", "kept"]:
        """Tell if a form was stopped on the way here, and if it is kept."""
        kept = self.note.get("f") if self.leads_back else None
        return "" if kept is None else "kept" if self.has_kept(str(kept)) else "lost"

    def carry(self, note: Note) -> None:
        """Let the links and forms from here on carry another note."""
        self._note, self.carried = note, MARK + self.cookies.seal_note(self.key, note)

    def carry_offer(self) -> None:
        """Let the links and forms from here on say that an offer stands on the person's way.

        So the person is led on after it, and not to the settings.
        """
        self.carry({**self.note, OFFERED: True})

    @property
    def is_offered(self) -> bool:
        """Tell if the person has come here by an offer."""
        return bool(self.carried) and OFFERED in self.note

    def keep(self, note: Note) -> None:
        """Let the cookie hold a note."""
        self.headers.append(self.cookies.set_note(self.jar, self.jar.going, note))

    def come_back_to(self, address: str, *, demands: tuple[Demand, ...] = ()) -> None:
        """Remember a page of ours to return to, after a proof that meets ``demands``.

        That page carries on the note that is carried now.
        """
        self.keep(going_note(to=address, path="", method="GET", clean=True, demands=demands))
        self._note, self.carried = None, ""

    def forget(self) -> None:
        """Forget the interrupted request; another tab's way is left alone."""
        if not self.carried or self.cookies.note(self.jar, self.jar.going, self.scope) == _without_offer(self.note):
            self.headers.append(self.cookies.drop_note(self.jar, self.jar.going))
        self._note = {}
        self.drop_owed()

    # -- a step-up that a script was refused for -------------------------------------------------------------------

    @property
    def owed(self) -> Note:
        """Return the note of the step-up that a script was refused for, if this browser keeps one."""
        return self.cookies.note(self.jar, self.jar.owed, self.scope)

    def heed_owed(self) -> None:
        """Judge a JSON caller by the demand that it was refused for, if it was."""
        if self.carried:
            self.leads_back = True
        elif owed := self.owed:
            self._note, self.leads_back = owed, True

    def drop_owed(self) -> None:
        """Forget the step-up that a script was refused for."""
        if cookie_value(self.scope, self.jar.owed):
            self.headers.append(self.cookies.drop_note(self.jar, self.jar.owed))
