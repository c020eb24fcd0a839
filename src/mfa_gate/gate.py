"""``MFAGate``: what an app makes of its arguments, and asks.

This module is imported for its name alone in many places, so it imports next to nothing. The parts that do the work are
imported when a gate is made, or when a method needs them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from .errors import SettingsError, StoreContention, StoreUnavailable

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection

    from .core.events import Event
    from .core.model import Subject
    from .core.rules import Policy
    from .factors.base import Factor
    from .ports import (
        BeforeSend,
        Clock,
        ContactsOf,
        DescribeNetwork,
        DirectoryOf,
        Entropy,
        Identify,
        RelyingParty,
        Senders,
        SharedSignals,
        SignInAgain,
    )
    from .service.health import Health
    from .service.person import Forgotten, Person, PersonChange
    from .service.policy_life import Reloaded
    from .storage import Store
    from .web.status import Status

__all__ = ["MFAGate"]


class MFAGate:
    """The second factor around an app that has a sign-in already.

    ``policy`` is the policy file's path, or a ``Policy``. ``identify`` tells who is signed in on a connection: an adapter of
    ``mfa_gate.identity``, or any async function. ``contacts`` returns a subject's name, e-mail and phone. ``store`` is a URL
    or a ``Store``. ``keys`` are texts that ``mfa-gate keys new`` printed, newest first. ``factors`` are the known factors,
    strongest first: ``[*DEFAULT_FACTORS, Mine()]`` adds one; ``"default"`` means ``DEFAULT_FACTORS``. ``relying_party`` is the
    site's name, id and origins.

    ``senders`` sends codes and notices: ``Senders(email=…, sms=…, voice=…, push=…)``. A factor that the policy allows and that
    has no sender is a fault. ``prefix`` is the path of our own pages.

    ``trusted_proxies`` are the proxies whose ``X-Forwarded-For`` is believed, as networks, or ``"unix"`` for a socket without
    an address; none by default. ``accept_any_forwarder`` allows a server that believes everybody's ``X-Forwarded-For``: use
    it only where nothing but one proxy can reach the server. ``address_header`` names another header in which these proxies
    tell the client's address: ``"Forwarded"`` (RFC 7239), or one that holds a single address, such as ``"CF-Connecting-IP"``.
    ``forwarded_prefix`` believes their ``X-Forwarded-Prefix``: the path that they take off before the app sees it.

    ``sign_in``, ``sign_out`` and ``home`` are the app's own paths, without the root that a server, proxy or mount puts
    before them. ``sign_in="/login?next={next}"`` is told the page that was asked for, quoted. ``json_status`` is the status
    that cookie callers get: 403, or 401 for front ends that need it.
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
        factors: Sequence[Factor] | Literal["default"] = "default",
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
        from .composition import compose
        from .gate_arguments import GateArguments

        given = GateArguments(
            policy=policy,
            identify=identify,
            store=store,
            keys=keys,
            relying_party=relying_party,
            factors=factors,
            contacts=contacts,
            senders=senders,
            trusted_proxies=trusted_proxies,
            prefix=prefix,
            sign_in=sign_in,
            sign_out=sign_out,
            home=home,
            json_status=json_status,
            accept_refused_websockets=accept_refused_websockets,
            keep_forms=keep_forms,
            sign_in_again=sign_in_again,
            api_origins=api_origins,
            public_url=public_url,
            app=app,
            on_event=on_event,
            on_reset=on_reset,
            on_lock=on_lock,
            before_send=before_send,
            directory=directory,
            describe_network=describe_network,
            signals=signals,
            clock=clock,
            entropy=entropy,
            templates=templates,
            catalogues=catalogues,
            accept_any_forwarder=accept_any_forwarder,
            address_header=address_header,
            forwarded_prefix=forwarded_prefix,
            dev=dev,
        )
        self._identify = identify
        self._prefix = prefix
        self.web = compose(given, check=self.check)
        self.service = self.web.service

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
        from .service.policy_life import BY_HOST

        await self.web.open()
        return await self.service.policy_life.reload(BY_HOST)

    def install(self, app: Starlette) -> None:
        """Add the gate to a Starlette or FastAPI app.

        The middleware that finds the signed-in user must be added after it: the last one added runs first. The order is checked
        when the app starts. A wrong order stops the start, and the error names the fix. Raises ``SettingsError`` for an app
        of another kind.
        """
        from .web.middleware import MFAGateMiddleware

        if not callable(getattr(app, "add_middleware", None)):
            raise SettingsError(
                f"gate.install(app): the app is of type {type(app).__name__}, which has no add_middleware; give an app of "
                "Starlette or FastAPI, and put the gate around any other: app = MFAGateMiddleware(app, gate=gate)"
            )
        app.add_middleware(MFAGateMiddleware, gate=self)

    def check(self, app: Any, *, inside: bool = False) -> Sequence[str]:
        """List the faults of an app's layers and routes, one text each.

        ``app`` is the app with all that is put around it. ``inside``: it is only the part that this gate is put around.
        """
        from .middleware_order import faults_of_order

        return [
            *faults_of_order(app, self._identify, self._prefix, inside=inside),
            *self.web.endpoint_demands.lost(),
        ]

    async def status(self, connection: HTTPConnection) -> Status:
        """Return the state of this connection. Nothing is changed.

        Raises the same errors as a guarded request, e.g. ``StoreUnavailable``.
        """
        from .service.fault_records import empty_frames
        from .web.status import status_of

        __tracebackhide__ = True
        try:
            judgement = await self.web.judge_again(connection.scope)
        except Exception as error:
            empty_frames(error)  # they hold the cookies, and a report of the app's fault would send them
            raise
        return status_of(judgement, self.service.engine)

    async def person(self, subject: Subject) -> Person:
        """Return what is known about a person, and the acts on one, outside of a request.

        For a changed password, a disabled account, a deletion. The person is the subject, whoever acts for it.

        It opens the gate if nothing has done so yet: in a script, use it inside ``async with gate.lifespan()``. Raises
        ``TypeError`` for anything but a ``Subject``, ``SettingsError`` if the gate cannot start, and ``StoreUnavailable``.
        """
        from .service.person import Person

        person = Person(subject, self.service.access, spare=self.web.connections.spare)
        await self.web.open()
        return person

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
