"""Documents of the desk: all that an actor may see of an account or a tenant.

Pages, JSON and commands show these documents and load nothing. A line of the list is a ``Summary`` and a line of the
trail is an ``Event``: neither holds anything secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...core import attempts
from ...core.break_glass import CONFIRM_WITHIN, HOUR, is_in_force, is_waiting
from ...core.changes import two_people
from ...core.events import Event
from ...core.model import Account, Lock, SubjectKey
from ...core.person_line import PersonLine
from ...core.roles import Hand, is_same_hand
from ...core.rules import Rules, TenantSettings
from ...core.slow_recovery import opens_at
from ...core.summary import Summary, summary_of
from .chart import Count
from .people import PeopleCounts
from .rights import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatorLine:
    """One authenticator, without its secret. Times are UTC seconds; 0 means never."""

    id: str
    factor: str
    label: str
    created_at: int
    last_used_at: int
    last_network: str
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLine:
    """One remembered browser, without its handle. ``network`` is the one of its latest proof."""

    id: str
    label: str
    kind: str
    network: str
    last_used_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryLine:
    """A waiting request for help.

    Until ``held_until`` (UTC seconds) it cannot be approved: it ``is_held``. From ``opens_at`` on the person may set up
    anew without an administrator; 0 for never.
    """

    at: int
    about: str
    ref: str
    held_until: int
    is_held: bool = False
    opens_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantLine:
    """A break-glass grant, or the request for one (``ends_at`` 0).

    ``own``: the actor asked for it, so another person must confirm.
    """

    ref: str
    asked_by: str
    asked_at: int
    reason: str
    ticket: str
    hours: int
    confirmed_by: str
    ends_at: int
    confirm_until: int
    browsers: int
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """An act that waits for a second administrator until ``confirm_until`` (UTC seconds).

    ``item`` is the name of the authenticator that it is about. ``own``: the actor asked for it.
    """

    act: str
    ref: str
    asked_by: str
    asked_at: int
    reason: str
    ticket: str
    item: str
    confirm_until: int
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDocument:
    """One account as an actor may see it.

    ``activity`` is None for an actor who may not read the trail. ``holds_rights``: the person administers others, so only
    the privileged act on the account; ``may_act`` says if this actor may. ``line`` has the same facts
    as the lists, where an actor looks at the account. ``lock_reason`` is "" for an actor who may not read the trail.
    """

    summary: Summary
    attempts_used: int
    attempts_left: int
    attempts_max: int
    lock: Lock | None
    authenticators: tuple[AuthenticatorLine, ...]
    browsers: tuple[BrowserLine, ...]
    recovery: RecoveryLine | None
    grant: GrantLine | None
    asked: AskedLine | None = None
    holds_rights: bool = False
    may_act: bool = True
    activity: tuple[Event, ...] | None = None
    line: PersonLine | None = None
    lock_reason: str = ""

    @property
    def key(self) -> SubjectKey:
        """Return the subject of the account."""
        return self.summary.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the preparation checklist."""

    id: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDocument:
    """The settings of a tenant, with the facts to check before turning it on.

    ``can_end``: the actor may end all proofs.
    """

    settings: TenantSettings
    rules: Rules
    checklist: tuple[Check, ...]
    people: PeopleCounts
    history: tuple[Count, ...]
    pickable: tuple[str, ...]
    can_end: bool = False


def account_document(
    account: Account,
    *,
    actor: Actor,
    rules: Rules,
    now: int,
    activity: tuple[Event, ...] | None = None,
    holds_rights: bool = False,
    privileged: bool = True,
) -> AccountDocument:
    """Make the document of ``account`` for ``actor``.

    ``rules`` are those of the account's tenant. ``holds_rights``: the host's directory says that the person does.
    ``privileged``: the actor may act on people who hold rights.
    """
    holds_rights = holds_rights or account.holds_rights
    lock, waiting = account.lock, account.recovery
    return AccountDocument(
        summary=summary_of(account),
        attempts_used=account.attempts.used,
        attempts_left=0 if lock else attempts.remaining(account.attempts, rules.attempts),
        attempts_max=rules.attempts.max,
        lock=lock,
        authenticators=tuple(
            AuthenticatorLine(
                id=a.id,
                factor=a.factor,
                label=a.label,
                created_at=a.created_at,
                last_used_at=a.last_used_at,
                last_network=a.last_network,
                is_default=a.id == account.default,
            )
            for a in account.authenticators
        ),
        browsers=tuple(
            BrowserLine(
                id=b.id,
                label=b.label,
                kind=b.kind,
                network=max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                last_used_at=b.last_used_at,
            )
            for b in account.browsers
        ),
        recovery=RecoveryLine(
            at=waiting.at,
            about=waiting.about,
            ref=waiting.ref,
            held_until=waiting.at + int(rules.recovery.hold),
            is_held=now < waiting.at + int(rules.recovery.hold),
            opens_at=opens_at(waiting, int(rules.recovery.self_service)),
        )
        if waiting
        else None,
        grant=_grant_line(account, actor, now),
        asked=_asked_line(account, actor, now),
        holds_rights=holds_rights,
        may_act=privileged or not holds_rights,
        activity=activity,
    )


def _asked_line(account: Account, actor: Actor, now: int) -> AskedLine | None:
    asked = two_people.asked_now(account, now)
    if asked is None:
        return None
    about = account.authenticator(asked.item)
    return AskedLine(
        act=asked.act,
        ref=asked.ref,
        asked_by=asked.asked_by,
        asked_at=asked.asked_at,
        reason=asked.reason,
        ticket=asked.ticket,
        item=about.label if about else "",
        confirm_until=asked.asked_at + two_people.CONFIRM_WITHIN,
        own=is_same_hand(Hand(asked.asked_by, asked.asked_in), actor.hand),
    )


def _grant_line(account: Account, actor: Actor, now: int) -> GrantLine | None:
    grant = account.grant
    if grant is None or not (is_waiting(account, now) or is_in_force(account, now)):
        return None
    return GrantLine(
        ref=grant.ref,
        asked_by=grant.asked_by,
        asked_at=grant.asked_at,
        reason=grant.reason,
        ticket=grant.ticket,
        hours=grant.life // HOUR,
        confirmed_by=grant.confirmed_by,
        ends_at=grant.ends_at,
        confirm_until=grant.asked_at + CONFIRM_WITHIN,
        browsers=len(grant.browsers),
        own=is_same_hand(Hand(grant.asked_by, grant.asked_in), actor.hand),
    )
