"""The difference between a right to pass that was taken away, and one that only ran out."""

from __future__ import annotations

from .evidence import UPSTREAM, Evidence, login_handle, session_mark, skip_key
from .model import Account, Proof, Subject


def is_revoked(before: Account, evidence: Evidence, *, lock_ends_sessions: bool) -> bool:
    """Tell if a lock, a reset or a revocation came between ``before`` and ``evidence``.

    ``before`` is the account by which the request was let in. A proof that grew too old was not revoked. Nor was a
    proof whose browser has proven itself anew since. A lock because the attempts were used up counts only if such a
    lock ends sessions (decisions 27).
    """
    after = evidence.account
    if after.lock is not None and (lock_ends_sessions or after.lock.cause == "administrator"):
        return True
    if after.epoch != before.epoch:
        return True
    granted = before.grant is not None and before.grant.ends_at > 0
    if granted and (after.grant is None or before.grant is None or after.grant.ref != before.grant.ref):
        return True
    known = before.browser(evidence.handle)
    id = known.id if known else ""
    return bool(_kept(before, evidence.subject, id)) and not _kept(after, evidence.subject, id)


def has_signed_out(before: Account, evidence: Evidence) -> bool:
    """Tell if the connection's sign-in was signed out since ``before`` was read."""
    key = skip_key(evidence.subject, evidence.handle)
    return any(item[0] == key and item not in before.sign_outs for item in evidence.account.sign_outs)


def _kept(account: Account, subject: Subject, browser_id: str) -> list[Proof]:
    """Return the proofs of a browser and of the sign-in elsewhere that the account still has.

    Their age and network do not matter here.
    """
    login = login_handle(subject.upstream) if subject.upstream else ""
    mine = [b for b in account.browsers if b.id == browser_id or (login and b.handle == login)]
    proofs = [proof for browser in mine for proof in browser.proofs if proof.epoch == account.epoch]
    marks = ("", session_mark(subject))
    return [
        p for p in proofs if p.session in marks and (p.factor == UPSTREAM or account.authenticator(p.authenticator))
    ]
