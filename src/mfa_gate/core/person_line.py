"""One line of a review: a person's summary, and the facts that reviewers ask for.

Page, JSON call, command and CSV draw the same members. None of them is secret.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .break_glass import is_in_force, is_waiting
from .model import Account, SubjectKey
from .summary import Status, Summary, summary_of

TEXTS = frozenset({"sms", "voice"})
"""Factors that are no better than the phone number. A person who has nothing else is in reach of a stolen number."""

MEMBERS = (
    "id",
    "tenant",
    "name",
    "status",
    "factors",
    "phishing_resistant",
    "texts_only",
    "last_proof_at",
    "locked_at",
    "locked_by",
    "lock_cause",
    "recovery_at",
    "break_glass",
    "break_glass_ends_at",
    "disputed_until",
    "ticket_ends_at",
    "agreement",
)
"""The members of a line, in the order of the columns."""

TIMES = frozenset(name for name in MEMBERS if name.endswith(("_at", "_until")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """The kinds of factors by their strength.

    ``resistant`` ones resist phishing; ``backup`` ones are no factor by themselves.
    """

    resistant: Collection[str] = ()
    backup: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """One person in a review. Times are UTC seconds, 0 for none.

    ``break_glass`` is "asked", "open" or "". ``agreement`` is the version that was accepted last. ``is_met`` is False for
    a person whom only the host's directory knows. ``is_whole`` is False while only the summary is known: the members of
    the account are empty then.
    """

    id: str
    tenant: str
    name: str
    status: Status
    factors: tuple[str, ...] = ()
    phishing_resistant: bool = False
    texts_only: bool = False
    last_proof_at: int = 0
    locked_at: int = 0
    locked_by: str = ""
    lock_cause: str = ""
    lock_ref: str = ""
    recovery_at: int = 0
    break_glass: str = ""
    break_glass_ends_at: int = 0
    disputed_until: int = 0
    ticket_ends_at: int = 0
    agreement: str = ""
    is_met: bool = True
    is_whole: bool = False

    @property
    def key(self) -> SubjectKey:
        """Return the subject."""
        return SubjectKey(self.tenant, self.id)


def line_from(summary: Summary, strength: Strength) -> PersonLine:
    """Make the line that a summary tells."""
    own = [kind for kind in summary.factors if kind not in strength.backup]
    return PersonLine(
        id=summary.key.id,
        tenant=summary.key.tenant,
        name=summary.name,
        status=summary.status,
        factors=summary.factors,
        phishing_resistant=any(kind in strength.resistant for kind in own),
        texts_only=bool(own) and TEXTS.issuperset(own),
        last_proof_at=summary.last_proof_at,
        locked_at=summary.locked_at,
    )


def line_of(account: Account, strength: Strength, now: int) -> PersonLine:
    """Make the whole line of an account."""
    short, lock, grant, ticket = line_from(summary_of(account), strength), account.lock, account.grant, account.ticket
    asked, is_open = is_waiting(account, now), is_in_force(account, now)
    accepted = max(account.acceptances, key=lambda one: one.at, default=None)
    return PersonLine(
        id=short.id,
        tenant=short.tenant,
        name=short.name,
        status=short.status,
        factors=short.factors,
        phishing_resistant=short.phishing_resistant,
        texts_only=short.texts_only,
        last_proof_at=short.last_proof_at,
        locked_at=short.locked_at,
        locked_by=lock.actor if lock else "",
        lock_cause=lock.cause if lock else "",
        lock_ref=lock.ref if lock else "",
        recovery_at=account.recovery.at if account.recovery else 0,
        break_glass="open" if is_open else "asked" if asked else "",
        break_glass_ends_at=grant.ends_at if grant and is_open else 0,
        disputed_until=account.frozen_until if account.frozen_until > now else 0,
        ticket_ends_at=ticket.expires_at if ticket and ticket.expires_at > now else 0,
        agreement=accepted.version if accepted else "",
        is_whole=True,
    )


def absent_line(key: SubjectKey, name: str) -> PersonLine:
    """Make the line of a person whom only the host's directory knows."""
    return PersonLine(id=key.id, tenant=key.tenant, name=name, status="not_enrolled", is_met=False, is_whole=True)
