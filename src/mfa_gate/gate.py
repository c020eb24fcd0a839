"""``MFAGate``: the only place that chooses the concrete parts and joins them."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .argument_types import faults_of_types
from .core.decision import Allow, State, state_of
from .core.events import Event
from .core.model import Subject
from .core.rules import Policy
from .errors import SettingsError, StoreContention, StoreUnavailable
from .factors import BUILT_IN, DEFAULT_FACTORS, Registry
from .factors.base import Factor
from .host_functions import faults_of_hooks, faults_of_identify
from .keyring import Keyring
from .middleware_order import faults_of_order
from .optional_parts import faults_of_optional_parts
from .passkey_site import faults_of_passkey_site
from .ports import (
    BeforeSend,
    Clock,
    ContactsOf,
    DescribeNetwork,
    DirectoryOf,
    Entropy,
    Identify,
    Senders,
    SharedSignals,
    SignInAgain,
)
from .service import RelyingParty, Service, Wiring
from .service.fault_records import empty_frames
from .service.health import Health
from .service.kept_forms import KeptForms
from .service.person import Forgotten, Person, PersonChange
from .service.policy_life import BY_HOST, PolicySource, Reloaded
from .service.shared_signals import faults_of_signals
from .settings import (
    faults_of_api_origins,
    faults_of_app,
    faults_of_forwarding,
    faults_of_parts,
    faults_of_places,
    faults_of_prefix,
    faults_of_public_url,
    faults_of_relying_party,
    origin_and_root,
    proxies_of,
)
from .storage import Store
from .system_clock import SystemClock
from .web.callers import Callers
from .web.cookies import Cookies
from .web.forwarders import fault_of_environment
from .web.gate import Gate
from .web.middleware import MFAGateMiddleware
from .web.origin_faults import OriginLog
from .web.request import Site

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection

__all__ = ["MFAGate", "Status"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a connection.

    Times are UTC seconds, 0 where there is none. ``age`` is the age of the proof in seconds. ``state`` is the contract's
    word. ``requirement`` names the rule that decided. ``factors`` are the enrolled kinds.
    """

    state: State
    requirement: str
    age: int | None
    ends_at: int
    factors: tuple[str, ...]
    factor: str = ""


class MFAGate:
    """The second factor around an app that has a sign-in already.

    ``policy`` is the policy file's path, or a ``Policy``. ``identify`` tells who is signed in on a connection: an adapter of
    ``mfa_gate.identity``, or any async function. ``contacts`` returns a subject's name, e-mail and phone. ``store`` is a URL
    or a ``Store``. ``keys`` are texts that ``mfa-gate keys new`` printed, newest first. ``factors`` are the known factors,
    strongest first: ``[*DEFAULT_FACTORS, Mine()]`` adds one. ``relying_party`` is the site's name, id and origins.

    ``senders`` sends codes and notices: ``Senders(email=…, sms=…, voice=…, push=…)``. A factor that the policy allows and that
    has no sender is a fault. ``prefix`` is the path of our own pages.

    ``trusted_proxies`` are the proxies whose ``X-Forwarded-For`` is believed, as networks, or ``"unix"`` for a socket without
    an address; none by default. ``accept_any_forwarder`` allows a server that believes everybody's ``X-Forwarded-For``: use
    it only where nothing but one proxy can reach the server. ``address_header`` names another header in which these proxies
    tell the client's address: ``"Forwarded"`` (RFC 7239), or one that holds a single address, such as ``"CF-Connecting-IP"``.
    ``forwarded_prefix`` believes their ``X-Forwarded-Prefix``: the path that they take off before the app sees it.

    ``sign_in``, ``sign_out`` and ``home`` are the app's own paths, without the root that a server, proxy or mount puts
    before them. ``json_status`` is the status that cookie callers get: 403, or 401 for front ends that need it.
    ``accept_refused_websockets`` lets scripts know why: a websocket that is refused is accepted and closed with 4401 at once.
    ``keep_forms`` keeps a small form that was stopped, sealed and for half an hour; a button sends it on after the proof.
    ``sign_in_again`` gets the connection and a ``FreshSignIn``, and makes the address at which your identity provider is asked
    for a new sign-in; our page links to it.

    ``api_origins`` are front ends on other origins of the same site, exact: they may make our JSON calls with cookies.
    ``public_url`` is the address by which people reach the app, with its path: one of the origins, and the root path. Links in
    mails, calls and pictures begin with it. Without it they begin with the first origin and the root path of the first visit,
    which is kept in the store. ``app`` names this application where several share a store.

    ``on_event`` gets every event. ``on_reset`` gets ``(subject, event)``: a subject whose factors an administrator or your
    own code has removed, and the event that tells of it; ``on_lock`` the same for an account that was locked. All three are
    called after the commit. An async one runs on the event loop, a plain one in a thread of its own, one call after the
    other. A call that failed, or was lost with its process, is made again from the trail: ignore events whose id you know.

    ``directory`` lists all people of a tenant whom the host knows, with their contacts. The administrators' preparation
    checklist, reminders and alarms use it. ``before_send`` is asked before every text message and call, with the whole number
    (``PhoneSend``). ``True`` lets the message go out. A text, any other value, an exception, or two seconds without an answer
    refuses it.

    ``describe_network`` gets a network as text and returns a place for people to read ("Boston, MA"); it may be async. It stands
    beside the address on one's own page, in mails and on the phone's page for approval, and decides nothing.

    ``signals`` names the identity provider whose Shared Signals end proofs here (``ports.SharedSignals``); None takes none.

    ``templates`` is a folder of templates that replace or extend ours, for pages, mails and text messages.
    ``catalogues`` is a folder of gettext catalogues (``fr/LC_MESSAGES/mfa_gate.mo``): other words, other languages, and
    the words of mails and text messages.

    ``dev`` shows on every page that codes are not really sent. ``clock`` and ``entropy`` are the sources of time and randomness;
    only tests replace them.

    Raises ``SettingsError`` with every fault found, before anything is served.
    """

    def __init__(
        self,
        *,
        policy: str | os.PathLike[str] | Policy,
        identify: Identify,
        store: str | Store,
        keys: Sequence[str],
        relying_party: RelyingParty,
        factors: Sequence[Factor] = DEFAULT_FACTORS,
        contacts: ContactsOf | None = None,
        senders: Senders | None = None,
        trusted_proxies: Sequence[str] = (),
        prefix: str = "/mfa",
        sign_in: str = "/login",
        sign_out: str = "/logout",
        home: str = "/",
        json_status: int = 403,
        accept_refused_websockets: bool = False,
        keep_forms: bool = False,
        sign_in_again: SignInAgain | None = None,
        api_origins: Sequence[str] = (),
        public_url: str = "",
        app: str = "",
        on_event: Callable[[Event], object] | None = None,
        on_reset: Callable[[Subject, Event], object] | None = None,
        on_lock: Callable[[Subject, Event], object] | None = None,
        before_send: BeforeSend | None = None,
        directory: DirectoryOf | None = None,
        describe_network: DescribeNetwork | None = None,
        signals: SharedSignals | None = None,
        clock: Clock | None = None,
        entropy: Entropy = secrets.token_bytes,
        templates: str | os.PathLike[str] | None = None,
        catalogues: str | os.PathLike[str] | None = None,
        accept_any_forwarder: bool = False,
        address_header: str = "X-Forwarded-For",
        forwarded_prefix: bool = False,
        dev: bool = False,
    ) -> None:
        from .policyfile import load_policy
        from .stores import store_from_url
        from .stores.common.platform import fault_of_platform
        from .web.catalogue_check import read_catalogues
        from .web.message_forms import MessageForms
        from .web.render import Renderer
        from .web.template_check import faults_of_templates

        if unfit := fault_of_platform():
            raise SettingsError(unfit)
        faults = faults_of_types(
            policy=policy,
            store=store,
            keys=keys,
            relying_party=relying_party,
            factors=factors,
            senders=senders,
            signals=signals,
            trusted_proxies=trusted_proxies,
            clock=clock,
            entropy=entropy,
            accept_any_forwarder=accept_any_forwarder,
            accept_refused_websockets=accept_refused_websockets,
            keep_forms=keep_forms,
            dev=dev,
        )
        if faults:  # everything below reads these arguments
            raise SettingsError(faults)
        registry = _collect(faults, lambda: Registry(factors))
        known = BUILT_IN if registry is None else registry
        loaded = _collect(faults, lambda: policy if isinstance(policy, Policy) else load_policy(policy, factors=known))
        opened = _collect(faults, lambda: store_from_url(store) if isinstance(store, str) else store)
        keyring = _collect(faults, lambda: Keyring(keys))
        faults += faults_of_relying_party(relying_party)
        faults += faults_of_api_origins(api_origins, relying_party)
        faults += faults_of_public_url(public_url, relying_party)
        faults += faults_of_prefix(prefix)
        faults += faults_of_places(prefix=prefix, sign_in=sign_in, sign_out=sign_out, home=home)
        if json_status not in (401, 403):
            faults.append(f"json_status={json_status!r}: must be 403 or 401")
        if not accept_any_forwarder and (server := fault_of_environment()):
            faults.append(server)
        trusted, wrong = proxies_of(trusted_proxies)
        faults += wrong
        faults += faults_of_forwarding(address_header, forwarded_prefix, bool(trusted_proxies))
        senders = senders or Senders()
        blind = faults_of_identify(identify)
        faults += blind + faults_of_optional_parts(None if blind else identify, senders)
        faults += faults_of_app(app)
        faults += faults_of_templates(templates, known)
        languages, wrong = read_catalogues(catalogues)
        faults += wrong
        faults += faults_of_hooks(
            on_event=on_event,
            on_lock=on_lock,
            on_reset=on_reset,
            before_send=before_send,
            contacts=contacts,
            directory=directory,
            describe_network=describe_network,
            sign_in_again=sign_in_again,
        )
        faults += [] if signals is None else faults_of_signals(signals)
        if loaded is not None and registry is not None:
            loaded = registry.complete(loaded)
            faults += faults_of_parts(loaded, senders, contacts, registry)
            faults += faults_of_passkey_site(loaded, relying_party, registry)
        if faults or registry is None or loaded is None or opened is None or keyring is None:
            raise SettingsError(faults)

        own = Path(templates) if templates else None
        forms = MessageForms(templates=own, languages=languages)
        origin, root = origin_and_root(public_url, relying_party)
        wiring = Wiring(
            store=opened,
            keyring=keyring,
            clock=clock or SystemClock(),
            entropy=entropy,
            senders=senders,
            relying_party=relying_party,
            contacts=contacts,
            on_event=on_event,
            on_reset=on_reset,
            on_lock=on_lock,
            before_send=before_send,
            directory=directory,
            describe_network=describe_network,
            signals=signals,
            trusted_proxies=trusted,
            origin=origin,
            prefix=prefix,
            root=root,
            app=app,
            factors=registry,
            words=lambda lang: languages.words(lang).gettext,
            letter_form=forms.letter,
            text_form=forms.text,
        )
        self.service = Service(wiring, loaded)
        if not isinstance(policy, Policy):
            self.service.policy_life.source = PolicySource(
                path=policy,
                check=lambda made: (
                    *faults_of_parts(made, wiring.senders, contacts, registry),
                    *faults_of_passkey_site(made, relying_party, registry),
                ),
            )
        self._identify = identify
        self._prefix = prefix
        https = all(origin.startswith("https:") for origin in relying_party.web_origins)
        cookies = Cookies(keyring, entropy, https=https)
        site = Site(
            service=self.service,
            callers=Callers(
                service=self.service,
                identify=identify,
                cookies=cookies,
                trusted=trusted,
                told_in=address_header.lower().encode(),
                reads_prefix=forwarded_prefix,
            ),
            cookies=cookies,
            renderer=Renderer(templates=own, factors=registry, languages=languages),
            languages=languages,
            prefix=prefix,
            sign_in=sign_in,
            sign_out=sign_out,
            home=home,
            origins=relying_party.web_origins,
            json_status=json_status,
            accept_refused_websockets=accept_refused_websockets,
            sign_in_again=sign_in_again,
            kept_forms=KeptForms(self.service.engine) if keep_forms else None,
            api_origins=tuple(api_origins),
            dev=dev,
            origin_log=OriginLog(relying_party.id, relying_party.web_origins),
        )
        self.web = Gate(site=site, check=self.check, any_forwarder=accept_any_forwarder)

    @property
    def policy(self) -> Policy:
        """Return the policy in force."""
        return self.service.engine.policy

    async def reload_policy(self) -> Reloaded:
        """Read the policy file again, and put it in force.

        The gate does so by itself when the file changes and on SIGHUP, unless ``[change] reload`` is false. Returns the digest,
        the number of differences and the looser ones. Raises ``SettingsError`` with every fault of the file, or because a looser
        policy waits for approvals: then the policy before stays in force. Raises it too for a gate that was given a ``Policy``.
        """
        await self.web.open()
        return await self.service.policy_life.reload(BY_HOST)

    def install(self, app: Starlette) -> None:
        """Add the gate to a Starlette or FastAPI app.

        The middleware that finds the signed-in user must be added after it: the last one added runs first. The order is checked
        when the app starts. A wrong order stops the start, and the error names the fix.
        """
        app.add_middleware(MFAGateMiddleware, gate=self)

    def check(self, app: Any, *, inside: bool = False) -> Sequence[str]:
        """List the faults of an app's layers and routes, one text each.

        ``app`` is the app with all that is put around it. ``inside``: it is only the part that this gate is put around.
        """
        return [
            *faults_of_order(app, self._identify, self._prefix, inside=inside),
            *self.web.endpoint_demands.lost(),
        ]

    async def status(self, connection: HTTPConnection) -> Status:
        """Return the state of this connection. Nothing is changed.

        Raises the same errors as a guarded request, e.g. ``StoreUnavailable``.
        """
        __tracebackhide__ = True
        try:
            judgement = await self.web.judge_again(connection.scope)
        except Exception as error:
            empty_frames(error)  # they hold the cookies, and a report of the app's fault would send them
            raise
        if judgement is None:
            return Status(state="anonymous", requirement="", age=None, ends_at=0, factors=())
        decision = judgement.decision
        proof = decision.proof if isinstance(decision, Allow) else None
        account = judgement.account
        known, mine = self.service.engine.factors, account.authenticators if account else ()
        kinds = tuple(dict.fromkeys(a.factor for a in mine if a.factor in known))
        return Status(
            state=state_of(decision),
            requirement=decision.why.rule,
            age=self.service.engine.now() - proof.at if proof else None,
            ends_at=decision.until if isinstance(decision, Allow) and proof else 0,
            factors=kinds,
            factor=proof.factor if proof else "",
        )

    async def person(self, subject: Subject) -> Person:
        """Return what is known about a person, and the acts on one, outside of a request.

        For a changed password, a disabled account, a deletion. The person is the subject, whoever acts for it.

        It opens the gate if nothing has done so yet: in a script, use it inside ``async with gate.lifespan()``. Raises
        ``TypeError`` for anything but a ``Subject``, ``SettingsError`` if the gate cannot start, and ``StoreUnavailable``.
        """
        if not isinstance(subject, Subject):
            raise TypeError(f"gate.person takes a Subject, as identify returns it, not {subject!r}")
        await self.web.open()
        return Person(replace(subject, actor=""), self.service.access, spare=self.web.connections.spare)

    async def end_proofs(self, subject: Subject, *, reason: str) -> PersonChange:
        """End every proof of a person, as ``Person.end_proofs``.

        For a changed password, a disabled account, "sign out everywhere".
        """
        return await (await self.person(subject)).end_proofs(reason)

    async def forget(self, subject: Subject) -> Forgotten:
        """Erase everything about a person who is gone, as ``Person.forget``."""
        return await (await self.person(subject)).forget()

    async def health(self) -> Health:
        """Tell if the gate can work.

        For the host's own probe; ``/mfa/health`` tells strangers in one word. It returns ``store``, ``senders`` and
        ``policy``. ``store`` is ``"ok"``, ``"unavailable"`` where it does not answer, ``"refused"`` where its keys are not
        listed. It holds no secret, raises nothing, and asks the store once a second at most.
        """
        try:
            await self.web.open()
        except (StoreUnavailable, StoreContention):
            return self.service.health.report("unavailable")
        except SettingsError:
            return self.service.health.report("refused")
        return await self.service.health.look()

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of our own JSON calls.

        It is also served at ``/mfa/api/openapi.json``.
        """
        from .web.openapi import document

        return document(self._prefix)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open the gate now, and close it afterwards.

        For apps whose lifespan the gate does not see (mounted ones, or those without a lifespan).
        """
        await self.web.open()
        try:
            yield
        finally:
            await self.web.aclose()


def _collect(faults: list[str], make: Callable[[], T]) -> T | None:
    try:
        return make()
    except SettingsError as error:
        faults += error.faults
    except ValueError as error:
        faults.append(str(error))
    return None
