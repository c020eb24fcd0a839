"""What of an account still holds after the store was replaced by an older copy of itself (F-38, S-123)."""

from __future__ import annotations

from dataclasses import replace

from ..model import Account


def after_restore(account: Account, at: int) -> Account:
    """The account as it may be trusted once an operator has accepted a copy at ``at`` (UTC seconds).

    What was used after the copy was made cannot be known: every code and ticket is void, the steps of authenticator apps
    and the backup codes of up to ``at`` count as used (the factors see ``restored_at``), and nobody's proof lives. Locks,
    attempts and authenticators stay as the copy has them. A mark that a clock had set ahead of ``at`` is set back.
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
        browsers=tuple(replace(browser, twin=None) for browser in account.browsers),
    )
