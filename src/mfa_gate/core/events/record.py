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
    detail: Mapping[str, str | int] = field(default_factory=dict)


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

    ``now`` is UTC seconds. ``nonce`` is 32 fresh random bytes. Ids and references are derived from it. So a
    transition that runs again after a lost swap makes the same ones. ``acts_as`` is the id that the actor impersonates.
    """

    now: int
    nonce: bytes
    app: str = ""
    network: str = ""
    actor: str = ""
    policy: str = ""
    acts_as: str = ""

    def event(self, kind: str, key: SubjectKey, **more: str | int) -> Event:
        """Make an event of this moment about ``key``.

        Words that are no field of ``Event`` become its detail.
        """
        if self.acts_as:
            more.setdefault("acts_as", self.acts_as)
        named = {name: str(more.pop(name)) for name in ("factor", "reason", "ticket", "actor") if name in more}
        return Event(
            id=draw_ref(self.nonce, kind),
            kind=kind,
            at=self.now,
            tenant=key.tenant,
            account=key.id,
            actor=named.pop("actor", self.actor or key.id),
            app=self.app,
            network=self.network,
            policy=self.policy,
            detail=more,
            **named,
        )
