"""The end of all proofs of a tenant: a number that each account is compared with.

A tenant may have a hundred thousand accounts, so none of them is written at the end. Each is ended when it is next loaded.
The number decides and no time does: the clock of the worker that ends may be wrong.
"""

from __future__ import annotations

from ..model import FAR, Account, replace
from ..rules import TenantSettings
from ..slow_recovery import by_hand
from .base import end_proofs


def ended(settings: TenantSettings, now: int) -> TenantSettings:
    """End all proofs that the tenant's people have made so far. ``now`` is in UTC seconds."""
    return replace(settings, epoch=settings.epoch + 1, ended_at=max(now, _known(settings.ended_at, now)))


def with_tenant(account: Account, settings: TenantSettings, now: int) -> Account:
    """Return the account as it counts under its tenant's settings.

    An account of another epoch than its tenant's has seen an end that was not its own yet, or a store that lost one. All
    that ``end_all_proofs`` ends is over then: proofs, challenges, drafts, leaves to enroll and skips. A break-glass grant is of
    an earlier epoch, so the usual work closes it and reports it. A request for help that opens by itself is left to the
    administrators: a thief may have begun it. Factors, locks, attempts and tickets stay.

    Sign-ins at an identity provider carry only a time. Those that were seen are over. Unseen ones are over up to the time of
    the end, unless that lies ahead of ``now`` (UTC seconds): a clock that ran ahead locks nobody out.
    """
    if account.tenant_epoch == settings.epoch:
        return account
    if not account.version:
        return replace(account, tenant_epoch=settings.epoch)
    return replace(
        end_proofs(account, _known(settings.ended_at, now)),
        tenant_epoch=settings.epoch,
        challenges=(),
        enrollments=(),
        replaced=(),
        skips=(),
        leave=None,
        recovery=by_hand(account.recovery),
    )


def joined_end(stored: TenantSettings, other: TenantSettings) -> tuple[int, int]:
    """Return epoch and time of the end for a tenant whose settings come from two stores.

    Two ends of the same number may be different ends, each unknown to the accounts of the other store. Then a new number
    ends both. To join the result again changes nothing.
    """
    if (stored.epoch, stored.ended_at) == (other.epoch, other.ended_at):
        return stored.epoch, stored.ended_at
    low, high = sorted((stored, other), key=lambda settings: settings.epoch)
    is_covered = low.epoch < high.epoch and low.ended_at <= high.ended_at
    return (high.epoch if is_covered else high.epoch + 1), max(low.ended_at, high.ended_at)


def _known(at: int, now: int) -> int:
    """Return the time of an end; 0 for one that a clock far ahead has written."""
    return at if at - now <= FAR else 0
