"""The repair of an account after its store was replaced by an older copy (F-38, S-123)."""

from __future__ import annotations

from dataclasses import replace

from ..model import Account
from ..slow_recovery import by_hand


def after_restore(account: Account, at: int) -> Account:
    """Return the account as it can be trusted after an operator accepted a copy at ``at``.

    ``at`` is in UTC seconds. Nobody knows which codes were used after the copy was made. So every code and ticket is
    void, and every proof ends. Steps of authenticator apps and backup codes of up to ``at`` count as used: the
    factors read ``restored_at``. A request for help that opens by itself may have been stopped since: only an administrator
    answers it now. Locks, attempts and authenticators stay as the copy has them. A mark later than
    ``at``, left by a clock that ran ahead, is set back.
    """
    if account.restored_at >= at:
        return account
    return replace(
        account,
        restored_at=at,
        seen_at=min(account.seen_at, at),
        sent=tuple(replace(sent, at=min(sent.at, at), mark=0) for sent in account.sent),
        quiet_until=min(account.quiet_until, at),
        epoch=account.epoch + 1,
        challenges=(),
        enrollments=(),
        replaced=(),
        ticket=None,
        leave=None,
        recovery=by_hand(account.recovery),
        browsers=tuple(replace(browser, twin=None) for browser in account.browsers),
    )
