"""One line of an administrator's list: the indexed data of an account, none of it secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .model import Account, SubjectKey

Status = Literal["verified", "not_enrolled", "locked", "recovery"]
STATUSES: tuple[Status, ...] = ("verified", "not_enrolled", "locked", "recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One line about one account.

    ``last_proof_at`` and ``locked_at`` are UTC seconds, 0 where there is none. ``name`` is the host's, as last seen.
    """

    key: SubjectKey
    name: str
    status: Status
    factors: tuple[str, ...]
    locked_at: int = 0
    last_proof_at: int = 0


def summary_of(account: Account) -> Summary:
    """Make the line of an account.

    A lock hides a waiting request for help, because an administrator must deal with the lock first.
    """
    status: Status = "verified" if account.authenticators else "not_enrolled"
    if account.recovery is not None:
        status = "recovery"
    if account.lock is not None:
        status = "locked"
    proofs = [proof.at for browser in account.browsers for proof in browser.proofs]
    return Summary(
        key=account.key,
        name=account.name,
        status=status,
        factors=tuple(dict.fromkeys(a.factor for a in account.authenticators)),
        locked_at=account.lock.at if account.lock else 0,
        last_proof_at=max([*proofs, *(a.last_used_at for a in account.authenticators)], default=0),
    )
