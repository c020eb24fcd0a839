"""One request to a page of ours: who visits, with which handle, and how it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..core.assurance import Traits
from ..core.decision import Allow, Decision
from ..core.entropy import handle_digest
from ..core.model import Caller, Seconds, Subject
from ..core.policy import Demand, Facts
from ..core.reasons import UNTYPED, Refusal
from ..core.rules import Rules
from ..factors import Registry
from ..factors.base import CodeShape
from ..service import Judgement, Service
from .callers import Scope, may_lead_elsewhere, own_place, safe_path
from .cookies import PENDING_LIFE, Jar, Note, cookie_value
from .i18n import available, native_name, negotiate
from .responses import Answer, Header, page, place_of, redirect
from .site import Site
from .views import Continue, Frame, Language, Notice, Problem, View
from .views.admin import AdminView

LANG_COOKIE = b"mfa-lang"


@dataclass(slots=True, kw_only=True)
class Visit:
    """A signed-in subject at one of our pages. ``handle`` is the browser's own; ``fresh`` says that it was made just now.
    ``off`` are the kinds of factor that cannot be sent at the moment, known once the visit was judged."""

    site: Site
    scope: Scope
    subject: Subject
    jar: Jar
    handle: str
    fresh: bool
    caller: Caller
    root: str
    form: dict[str, str] = field(default_factory=dict)
    headers: list[Header] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    interrupted: bool = False
    off: frozenset[str] = frozenset()
    _judgement: Judgement | None = None

    def __post_init__(self) -> None:
        self.caller = replace(self.caller, lang=self.lang, root=self.root)
        self.service.engine.root = self.root

    @property
    def service(self) -> Service:
        """The use cases."""
        return self.site.service

    @property
    def factors(self) -> Registry:
        """The factors of this gate."""
        return self.service.engine.factors

    @property
    def base(self) -> str:
        """The prefix with the root path: what our own links begin with."""
        return self.root + self.site.prefix

    @property
    def rules(self) -> Rules:
        """The rules of the visitor's tenant."""
        return self.service.engine.rules(self.subject.tenant)

    @property
    def now(self) -> int:
        """UTC seconds."""
        return self.service.engine.now()

    @property
    def csrf_token(self) -> str:
        """Bound to subject, host session and handle: nobody else's page can know it (S-99)."""
        subject = self.subject
        return self.service.engine.keyring.digest("csrf", subject.tenant, subject.id, subject.session, self.handle)

    def csrf_ok(self) -> bool:
        """Whether the form carries this very browser's token."""
        subject = self.subject
        token = self.form.get("csrf_token", "")
        parts = (subject.tenant, subject.id, subject.session, self.handle)
        return not self.fresh and bool(token) and self.service.engine.keyring.matches("csrf", token, *parts)

    # -- where the visitor stands --------------------------------------------------------------------------------

    async def judgement(self) -> Judgement:
        """Where the visitor stands: on the way to a page that was interrupted, by what that one demands; else at any page
        that no rule names."""
        if self._judgement is None:
            self.off = await self.service.sending.off(self.subject.tenant)
            going = self.going
            path = going.get("p")
            if self.interrupted and isinstance(path, str):
                facts = Facts(
                    tenant=self.subject.tenant,
                    groups=self.subject.groups,
                    method=str(going.get("m", "GET")),
                    path=path,
                    clean=bool(going.get("c", True)),
                )
                judge = self.service.access.judge
                self._judgement = await judge(self.caller, facts, extra=_demands(going), floors=True)
                if self._judgement.evidence is not None:
                    return self._judgement
            self._judgement = await self.service.access.own(self.caller)
        return self._judgement

    @staticmethod
    def seconds(count: int) -> Seconds:
        """A length of time."""
        return Seconds(count)

    def forget_judgement(self) -> None:
        """Judge anew: something was changed."""
        self._judgement = None

    @property
    def going(self) -> Note:
        """What was interrupted: ``to`` (where to lead on), and the facts that it is judged by."""
        return self.site.cookies.note(self.jar, self.jar.going, self.scope)

    @property
    def going_to(self) -> str:
        """Where the visitor was going: a place on this site, checked again on the way out (U-71)."""
        return safe_path(str(self.going.get("to", ""))) or self.site.home

    # -- answering -----------------------------------------------------------------------------------------------

    def frame(self, *, problems: Iterable[Problem] = (), notice: Notice | None = None) -> Frame:
        """What every page has around it."""
        rules, site = self.rules, self.site
        brand = rules.brand
        account = self._judgement.account if self._judgement else None
        return Frame(
            prefix=self.base,
            now=self.now,
            csrf_token=self.csrf_token,
            brand_name=brand.name or self.service.engine.wiring.relying_party.name,
            accent=brand.accent,
            logo=f"{self.base}/static/logo" if brand.logo_bytes else "",
            help_url=brand.help_url,
            contact=rules.recovery.contact,
            owner=rules.owner,
            person=(account.name if account else "") or self.subject.id,
            sign_out=site.sign_out,
            here=own_place(self.scope) or self.base,
            lang=self.lang,
            languages=tuple(Language(tag=tag, name=native_name(tag)) for tag in available()),
            dev=site.dev,
            notice=notice or self._flash(),
            problems=(*self.problems, *problems),
        )

    @property
    def lang(self) -> str:
        """The language of the page (U-64)."""
        accept = b",".join(value for key, value in self.scope["headers"] if key == b"accept-language")
        return negotiate(cookie=cookie_value(self.scope, LANG_COOKIE), accept_language=accept.decode("latin-1"))

    @property
    def flashed(self) -> str:
        """The word of the notice that the next page shows; "" where there is none."""
        return str(self.site.cookies.note(self.jar, self.jar.flash, self.scope).get("w", ""))

    def _flash(self) -> Notice | None:
        note = self.site.cookies.note(self.jar, self.jar.flash, self.scope)
        if not note:
            return None
        self.headers.append(self.site.cookies.drop_note(self.jar, self.jar.flash))
        word, value, owner = (str(note.get(name, "")) for name in ("w", "v", "o"))
        return Notice(word=word, value=value, count=int(note.get("n", 0)), owner=owner)

    def show(
        self,
        view: View | AdminView,
        *,
        status: int = 200,
        problems: Iterable[Problem] = (),
        notice: Notice | None = None,
    ) -> Answer:
        """A page."""
        frame = self.frame(problems=problems, notice=notice)
        body = self.site.renderer.render(view, frame)
        if self.problems and status == 200:
            status = 422
        return page(body, status=status, headers=self._all_headers())

    def go(self, to: str, *, notice: Notice | None = None, done: bool = False) -> Answer:
        """303 to ``to``. ``done`` forgets what was interrupted.

        After a form that succeeded the address ends in a fragment of its own, or browsers would keep the form's. Where the
        app may lead to another origin from there, a page of ours goes on: browsers hold the redirects of a form to
        ``form-action``.
        """
        if notice is not None:
            note = {"w": notice.word, "v": notice.value, "n": notice.count, "o": notice.owner}
            self.headers.append(self.site.cookies.set_note(self.jar, self.jar.flash, note))
        if done:
            self.headers.append(self.site.cookies.drop_note(self.jar, self.jar.going))
        if self.scope["method"] != "POST" or not (done or notice):
            return redirect(to, self._all_headers())
        if done and may_lead_elsewhere(to):
            self.headers.append((b"refresh", f"0;url={to}".encode()))
            return self.show(Continue(continue_url=to, why="done"))
        return redirect(to if "#" in to else f"{to}#", self._all_headers())

    def own(self, place: str) -> str:
        """The address of a page of ours."""
        return self.base + place

    def lead_on(self, decision: Decision) -> Answer:
        """Where a decision leads: one of our pages, or on to where the visitor was going."""
        if isinstance(decision, Allow):
            return self.go(self.going_to, done=True)
        return self.go(self.own(place_of(decision)))

    def take_handle(self, handle: str, *, remembered: bool) -> None:
        """Give the browser its new handle; the one it had is dead."""
        max_age = max(int(self.rules.freshness.max_age), PENDING_LIFE) if remembered else None
        self.handle, self.fresh = handle, False
        self.caller = replace(self.caller, handle=handle_digest(handle))
        self.headers = [h for h in self.headers if not h[1].startswith(self.jar.handle + b"=")]
        self.headers.append(self.site.cookies.set_handle(self.jar, handle, max_age=max_age))
        self.headers += self.site.cookies.drop_earlier(self.jar, self.scope)

    def take_proof(self, handle: str, *, remembered: bool) -> str:
        """The new handle for a JSON caller: as a cookie, or as a token ("" else) for a client that has no cookies."""
        native = self.caller.kind == "client"
        if not native:
            self.take_handle(handle, remembered=remembered)
        self.handle, self.fresh = handle, False
        self.caller = replace(self.caller, handle=handle_digest(handle))
        return self.site.cookies.seal_token(self.jar, handle) if native else ""

    def cookie_headers(self) -> list[Header]:
        """The cookies to set with an answer that is no page."""
        return [] if self.caller.kind == "client" else self._all_headers()

    def _all_headers(self) -> list[Header]:
        if self.fresh and not any(h[1].startswith(self.jar.handle + b"=") for h in self.headers):
            self.headers.append(self.site.cookies.set_handle(self.jar, self.handle, max_age=PENDING_LIFE))
        return self.headers


def _demands(going: Note) -> tuple[Demand, ...]:
    """The endpoint's own demands, as the gate wrote them down when it interrupted the request."""
    found: list[Demand] = []
    for item in going.get("d", ()):
        rule, max_age, factors, strong = item
        found.append(
            Demand(
                rule=str(rule),
                max_age=Seconds(int(max_age)),
                factors_any=tuple(factors),
                phishing_resistant=bool(strong),
            )
        )
    return tuple(found)


def shape_of(typed: str, shape: CodeShape) -> str:
    """What is wrong with the shape of a typed code, as the form's own word (U-9): nothing stored is looked at."""
    kept = "".join(char for char in typed if char.isalnum())
    if not kept:
        return "code_missing"
    if not (kept.isdigit() or shape.letters) or len(kept) == shape.length:
        return "code_letters"
    return "code_short" if len(kept) < shape.length else "code_long"


def problem_from(
    refusal: Refusal,
    field: str = "code",
    *,
    typed: str | None = None,
    shape: CodeShape | None = None,
    untyped: Traits | None = None,
) -> Problem:
    """A refusal as a problem of a form field. ``untyped`` is the factor where nothing was typed."""
    if typed is not None and refusal.reason == "malformed":
        return Problem(reason=shape_of(typed, shape or CodeShape()), field=field)
    reason = own_word(untyped, refusal.reason) if untyped else refusal.reason
    return Problem(reason=reason, field=field, seconds=refusal.drift or refusal.retry_after or 0, detail=refusal.detail)


def own_word(traits: Traits, reason: str) -> str:
    """The word for ``reason`` where a passkey was asked for (``passkey_…``), or a call or a phone (``request_…``)."""
    if reason not in UNTYPED:
        return reason
    return f"{'request' if traits.sends else 'passkey'}_{reason.removesuffix('_code').removeprefix('code_')}"
