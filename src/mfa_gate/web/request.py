"""Answer one request to a page of our own.

It knows the request's language, its form token, and the place to go on to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from ..core.decision import Allow, Decision, StepUp
from ..core.entropy import handle_digest
from ..core.model import MAX_ID_BYTES, Caller, Subject, replace
from ..core.readable_ids import readable_id
from ..core.rules import Rules
from ..core.spoken import spoken_in
from ..factors import Registry
from ..service import Actor, Judgement, Service
from .brand_files import logos
from .cookies import PENDING_LIFE, Jar, cookie_value
from .crowded_cookies import CROWDED, drop_crowd
from .i18n import ZONE, ZONE_COOKIE
from .interruption import Interruption, demands_of, facts_of
from .responses import Answer, Header, leading, page, place_of, redirect
from .scope import (
    NEXT,
    browser_label,
    has_chosen_root,
    kept_query,
    may_lead_elsewhere,
    own_place,
    request_id,
    root_of,
    safe_path,
)
from .site import FRAGMENT, MAX_RETURN, Site
from .types import Scope
from .views import Continue, Fault, Frame, Notice, Problem, View
from .views.admin import AdminView
from .views.impact import AdminImpact


@dataclass(slots=True, kw_only=True)
class PageRequest:
    """A request of a signed-in subject to one of our pages.

    ``handle`` is the browser's own; ``fresh`` says that it was made just now. ``off`` are the kinds of factor that
    cannot be sent at the moment; they are known after the first call of ``judgement``. ``automation`` is the program that
    has shown a token, None for a person. ``interruption`` is the request that brought the visitor here. ``service`` are the
    use cases, ``factors`` the factors of this gate, ``rules`` those of the visitor's tenant when the request came,
    ``lang`` the reader's language.
    """

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
    off: frozenset[str] = frozenset()
    automation: Actor | None = None
    interruption: Interruption = field(init=False)
    service: Service = field(init=False)
    factors: Registry = field(init=False)
    rules: Rules = field(init=False)
    lang: str = field(init=False)
    _judgement: Judgement | None = None

    def __post_init__(self) -> None:
        self.interruption = Interruption(
            cookies=self.site.cookies, jar=self.jar, scope=self.scope, key=self.subject.key, headers=self.headers
        )
        self.service = self.site.service
        self.factors = self.service.engine.factors
        self.rules = self.service.engine.rules(self.subject.tenant)
        self.lang = self.site.languages.of(self.scope)
        label = browser_label(self.scope)
        trusted = self.service.engine.wiring.trusted_proxies
        request = request_id(self.scope, trusted) if trusted else ""
        # Only a form or a call can keep it.
        told = cookie_value(self.scope, ZONE_COOKIE) if self.scope["method"] == "POST" else ""
        zone = told if ZONE.fullmatch(told) else ""
        self.caller = replace(self.caller, label=label, lang=self.lang, zone=zone, root=self.root, request=request)

    @property
    def base(self) -> str:
        """Return the prefix with the root path, and the note that is carried along.

        All our own links begin with it.
        """
        return self.root + self.site.prefix + self.interruption.carried

    @property
    def public(self) -> str:
        """Return the address of our pages as another device reaches them, "" if unknown."""
        return self.service.engine.public(self.root)

    @property
    def now(self) -> int:
        """Return the time in UTC seconds."""
        return self.service.engine.now()

    @property
    def csrf_token(self) -> str:
        """Return the form token of this browser.

        It is bound to subject, host session and handle, so no page of anybody else can know it (S-99).
        """
        subject = self.subject
        return self.service.engine.keyring.digest("csrf", subject.tenant, subject.id, subject.session, self.handle)

    def csrf_ok(self) -> bool:
        """Tell if the form carries this very browser's token."""
        subject = self.subject
        token = self.form.get("csrf_token", "")
        parts = (subject.tenant, subject.id, subject.session, self.handle)
        return not self.fresh and bool(token) and self.service.engine.keyring.matches("csrf", token, *parts)

    @property
    def keeps_no_cookies(self) -> bool:
        """Tell if a form came without its cookie, from a page younger than the cookie's life."""
        shown_at = self.form.get("shown_at", "")
        is_old = shown_at.isascii() and shown_at.isdecimal() and self.now - int(shown_at[:12]) >= PENDING_LIFE
        return self.fresh and not is_old

    # -- where the visitor stands --------------------------------------------------------------------------------

    async def judgement(self) -> Judgement:
        """Judge the visitor, once for each request.

        On the way to an interrupted page, the demands of that page count. Everywhere else the visitor is judged as at
        a page that no rule names.
        """
        if self._judgement is None:
            self.off = await self.service.sending.off(self.subject.tenant)
            going = self.interruption.note
            if self.interruption.leads_back and "p" in going and (facts := facts_of(going, self.caller)) is not None:
                judge = self.service.access.judge
                self._judgement = await judge(self.caller, facts, extra=demands_of(going), floors=True)
                if self._judgement.evidence is not None:
                    return self._judgement
            self._judgement = await self.service.access.own(self.caller)
        return self._judgement

    def forget_judgement(self) -> None:
        """Make the next call of ``judgement`` judge anew, after a change."""
        self._judgement = None

    @property
    def going_to(self) -> str:
        """Return the place on this site where the visitor was going.

        It is checked again before it is used (U-71). Without one it is the host's home.
        """
        to = str(self.interruption.note.get("to", ""))
        return safe_path(to) or (to if to and self.site.is_front_end(to) else self.host(self.site.home))

    @property
    def onward(self) -> str:
        """Return the place to go on to, or the page of ours that tells of a stopped form."""
        return self.own("/challenge") if "f" in self.interruption.note else self.going_to

    def asked_by(self, decision: Decision) -> tuple[str, str]:
        """Return the action that a step-up guards, and its rule if that is one of ours.

        The first is the ``label`` of the policy's rule, in the reader's language. A rule that the policy does not have is
        ours, or an endpoint's. Both are "" for any other decision.
        """
        if not isinstance(decision, StepUp) or decision.reason != "step_up":
            return "", ""
        rule = decision.demand.rule
        label = self.rules.action_of(rule)
        return ("", rule) if label is None else (spoken_in(label, self.lang), "")

    # -- answering -----------------------------------------------------------------------------------------------

    def frame(self, *, problems: Iterable[Problem] = (), notice: Notice | None = None) -> Frame:
        """Make the frame that every page has around it."""
        rules, site = self.rules, self.site
        brand = rules.brand
        contact, owner = site.languages.whom_to_ask(rules, self.lang)
        account = self._judgement.account if self._judgement else None
        static = f"{self.root}{site.prefix}/static/"
        logo, logo_dark = logos(static, brand)
        return Frame(
            prefix=self.base,
            assets=static,
            now=self.now,
            csrf_token=self.csrf_token,
            note=self.interruption.sealed(),
            form_id=self.service.engine.wiring.entropy(6).hex(),
            brand_name=brand.name or self.service.engine.wiring.relying_party.name,
            brand=brand,
            logo=logo,
            logo_dark=logo_dark,
            help_url=brand.help_url,
            contact=contact,
            owner=owner,
            person=(account.name if account else "") or self._readable_id,
            sign_out=self.host(site.sign_out),
            sign_out_posts=site.sign_out_form.posts,
            here=own_place(self.scope) or self.base,
            kept=kept_query(self.scope),
            lang=self.lang,
            languages=site.shown_languages,
            dev=site.dev,
            notice=notice or self._flash(),
            problems=(*self.problems, *problems),
            unsent=self.interruption.unsent(),
        )

    @property
    def _readable_id(self) -> str:
        """Return the subject's id where it says something to its person.

        An address is shown only where the host gives no contacts: elsewhere the pages mask it.
        """
        id = readable_id(self.subject.id)
        return "" if "@" in id and self.service.engine.wiring.contacts is not None else id

    @property
    def flashed(self) -> str:
        """Return the word of the notice that the next page shows; "" where there is none."""
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
        view: View | AdminView | AdminImpact,
        *,
        status: int = 200,
        problems: Iterable[Problem] = (),
        notice: Notice | None = None,
    ) -> Answer:
        """Render a page, with the request's own problems and headers.

        A page with problems has status 422. A fault without an event gets a reference that the log names (U-57).
        """
        if isinstance(view, Fault) and not view.ref:
            view = replace(view, ref=self.site.reference_for(self.scope, view.reason))
        frame = self.frame(problems=problems, notice=notice)
        body = self.site.renderer.render(view, frame)
        if self.problems and status == 200:
            status = 422
        answer = page(body, status=status, headers=self._all_headers())
        answer.reason = frame.problems[0].reason if frame.problems else ""
        return answer

    def go(self, to: str, *, notice: Notice | None = None, done: bool = False, turned_away: bool = False) -> Answer:
        """Redirect to ``to`` with 303. ``done`` forgets the interrupted request.

        After a form that succeeded, the address ends in a fragment of its own; without one browsers would keep the
        fragment of the form. ``turned_away`` says that the form did nothing, and something else comes first. Where the
        app may lead to another origin from there, a page of ours goes on: browsers hold the redirects of a form to
        ``form-action``. A page of ours also comes first if a form was stopped.
        """
        if notice is not None:
            note = {"w": notice.word, "v": notice.value, "n": notice.count, "o": notice.owner}
            self.headers.append(self.site.cookies.set_note(self.jar, self.jar.flash, note))
        if done and "f" in self.interruption.note:
            to, done = self.onward, False
        if done:
            to = self._with_fragment(to)
            self.interruption.forget()
        is_stale = bool(self.problems)  # a form that shows its page again, or leads on where nothing is left to do
        if turned_away or not (is_stale or self.scope["method"] == "POST"):
            return redirect(to, self._all_headers())
        self.problems.clear()
        if done and (may_lead_elsewhere(to) or not to.startswith("/")):
            self.headers.append(leading(b"refresh", f"0;url={to}"))
            return self.show(Continue(continue_url=to, why="done"))
        return redirect(to if "#" in to else f"{to}#", self._all_headers())

    def _with_fragment(self, to: str) -> str:
        """Add the fragment that a script on our page has kept for the wanted page."""
        fragment = self.form.get("fragment", "")
        is_good = 0 < len(fragment) <= MAX_RETURN and FRAGMENT.fullmatch(fragment)
        return f"{to}#{fragment}" if is_good and "#" not in to and self.interruption.note.get("to") else to

    @property
    def query(self) -> dict[str, str]:
        """Read at most twenty members of the query.

        A longer query was not made by our pages, and counts as empty.
        """
        raw = self.scope.get("query_string", b"").decode("latin-1")
        try:
            pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return {}
        return {name: value[:MAX_ID_BYTES] for name, value in pairs}

    @property
    def asked_tenant(self) -> str:
        """Return the tenant that the address of a page of the desk names, else the visitor's own."""
        return self.query.get("tenant", "") or self.subject.tenant

    def own(self, place: str) -> str:
        """Return the address of a page of ours."""
        return self.base + place

    def host(self, place: str) -> str:
        """Return the address of a page of the host's own, below the root; "" for none."""
        return self.root + place if place else ""

    @property
    def sign_in(self) -> str:
        """Return the address of the host's sign-in, which is told of no page to go on to."""
        return self.host(self.site.sign_in.replace(NEXT, ""))

    def lead_on(self, decision: Decision, *, turned_away: bool = True) -> Answer:
        """Lead on from a decision: to one of our pages, or to where the visitor was going.

        A form of a page that the decision forbids is turned away.
        """
        if isinstance(decision, Allow):
            return self.go(self.going_to, done=True)
        return self.go(self.own(place_of(decision)), turned_away=turned_away)

    def take_handle(self, handle: str, *, remembered: bool) -> None:
        """Give the browser its new handle; the one before is dead."""
        max_age = max(int(self.rules.freshness.max_age), PENDING_LIFE) if remembered else None
        self.handle, self.fresh = handle, False
        self.caller = replace(self.caller, handle=handle_digest(handle))
        self.headers[:] = [h for h in self.headers if not h[1].startswith(self.jar.handle + b"=")]
        self.headers.append(self.site.cookies.set_handle(self.jar, handle, max_age=max_age))
        self.headers += self.site.cookies.drop_earlier(self.jar, self.scope)

    def take_proof(self, handle: str, *, remembered: bool) -> str:
        """Give a JSON caller its new handle, and return the token.

        A client without cookies gets the handle as the token. A browser gets it as a cookie, and the token is "".
        """
        if self.caller.kind != "client":
            self.take_handle(handle, remembered=remembered)
            return ""
        self.handle, self.fresh = handle, False
        self.caller = replace(self.caller, handle=handle_digest(handle))
        return self.site.cookies.seal_token(self.jar, handle)

    def cookie_headers(self) -> list[Header]:
        """Return the cookies to set with an answer that is no page."""
        return [] if self.caller.kind == "client" else self._all_headers()

    def _all_headers(self) -> list[Header]:
        if self.fresh and not any(h[1].startswith(self.jar.handle + b"=") for h in self.headers):
            self.headers.append(self.site.cookies.set_handle(self.jar, self.handle, max_age=PENDING_LIFE))
        size = 0
        for name, value in self.scope["headers"]:
            if name == b"cookie":
                size += len(value)
        if size > CROWDED:
            self.headers += drop_crowd(self.scope, keep=(self.jar.handle, *self.jar.earlier))
        return self.headers


async def page_request(site: Site, scope: Scope, subject: Subject) -> PageRequest:
    """Make the page request of ``subject``.

    A browser without a handle gets a fresh one, which proves nothing.
    """
    callers = site.callers
    address = callers.address(scope)
    found = await callers.identified(scope, subject, address)
    given = callers.with_handle(found, scope, address)
    root, own = root_of(scope), site.service.engine.own_address
    if root != own.root:
        await own.visited(None if has_chosen_root(scope) else root)
    return PageRequest(
        site=site,
        scope=scope,
        subject=given.caller.subject,
        jar=given.jar,
        handle=given.handle,
        fresh=not found.handle,
        caller=given.caller,
        root=root,
    )
