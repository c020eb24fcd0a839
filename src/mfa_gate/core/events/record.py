"""One line of the audit trail, and the moment in which a change makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..entropy import draw_ref
from ..model import SubjectKey

UNREADABLE = "audit.unreadable"
"""The kind of the event that is shown in the place of a line that cannot be read. It is never written."""

MOVED = "moved"
"""The detail of a line that came from another store's trail: the time of its arrival (UTC seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the trail.

    It commits with the change that it tells. It never holds a secret, a code or a full number.

    ``id`` is the reference that people quote. ``account`` is the subject's id, ``actor`` who did it (the same id, an
    administrator's, or ``operator:…``). ``detail`` has further words and numbers, e.g. ``challenge`` or ``status``.

    ``network`` is the address as the policy compares it, or the name of a trusted network; ``address`` is the address in
    full. ``browser`` is the id that the person's list of browsers has, ``agent`` the family of its user agent,
    ``session`` a mark of the host's sign-in, ``request`` the id that a trusted proxy gave the request. ``ms`` are the
    milliseconds after ``at``.
    """

    id: str
    kind: str
    at: int
    tenant: str
    account: str = ""
    actor: str = ""
    app: str = ""
    factor: str = ""
    network: str = ""
    reason: str = ""
    ticket: str = ""
    policy: str = ""
    address: str = ""
    browser: str = ""
    agent: str = ""
    session: str = ""
    request: str = ""
    ms: int = 0
    detail: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedEvent(Event):
    """An event as it is given to a store, with its canonical line.

    ``own`` is a keyed digest of the line (64 hex digits). The store chains with it, and writes it nowhere: nobody can
    compute the chain anew from the lines.
    """

    line: str
    own: str


def place_of(event: Event) -> str:
    """Write the place of an event for people.

    It is the address in full, with the name of a trusted network beside it.
    """
    name = event.network.removeprefix("=") if event.network.startswith("=") else ""
    address = event.address or ("" if name else event.network)
    return f"{address} ({name})" if address and name else address or name


def moved(event: Event, *, at: int) -> Event:
    """Return the line for the trail of another store, to which it was moved at ``at``.

    ``at`` is in UTC seconds. Nobody is told of the event again there.
    """
    return replace(event, detail={**event.detail, MOVED: at})


def unmoved(event: Event) -> Event:
    """Return the line as it was first written."""
    return replace(event, detail={name: part for name, part in event.detail.items() if name != MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The part of an event that a transition may not draw itself.

    These are the time, the place, who acts through which app, and a nonce.

    ``now`` is UTC seconds, ``ms`` the milliseconds after it. ``nonce`` is 32 fresh random bytes. Ids and references are
    derived from it. So a transition that runs again after a lost swap makes the same ones. ``acts_as`` is the id that
    the actor impersonates. ``address``, ``browser``, ``agent``, ``session`` and ``request`` are those of ``Event``.
    """

    now: int
    nonce: bytes
    app: str = ""
    network: str = ""
    actor: str = ""
    policy: str = ""
    acts_as: str = ""
    address: str = ""
    browser: str = ""
    agent: str = ""
    session: str = ""
    request: str = ""
    ms: int = 0

    def event(self, kind: str, key: SubjectKey, **more: str | int) -> Event:
        """Make an event of this moment about ``key``.

        Words that are no field of ``Event`` become its detail.
        """
        if self.acts_as:
            more.setdefault("acts_as", self.acts_as)
        named = {name: str(more.pop(name)) for name in ("factor", "reason", "ticket") if name in more}
        actor, browser = str(more.pop("actor", "")), str(more.pop("browser", ""))
        return Event(
            id=draw_ref(self.nonce, kind),
            kind=kind,
            at=self.now,
            tenant=key.tenant,
            account=key.id,
            actor=actor or self.actor or key.id,
            app=self.app,
            network=self.network,
            policy=self.policy,
            address=self.address,
            browser=browser or self.browser,
            agent=self.agent,
            session=self.session,
            request=self.request,
            ms=self.ms,
            detail=more,
            factor=named.get("factor", ""),
            reason=named.get("reason", ""),
            ticket=named.get("ticket", ""),
        )
