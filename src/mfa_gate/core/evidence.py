"""The evidence for a decision: a subject, its account and the proofs that count now.

A proof counts only in its browser and on its network.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .assurance import TraitsOf
from .entropy import handle_digest
from .model import Account, Browser, Caller, Proof, Subject, Upstream
from .networks import UNKNOWN
from .rules import FreshnessRules

UPSTREAM = "upstream"
"""Stands in the place of a factor for a sign-in at an identity provider that the policy trusts."""
SESSION_LIFE = 12 * 3600
"""The life, in seconds, of a proof or a skip that is bound to a host session, where the host names no sessions."""
NO_SESSION = "-"
"""Stands in a proof for the session of a host that does not name its sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A subject with its account and the proofs that count here and now.

    Only ``standing_for`` makes it. ``other_networks`` is the number of proofs from other networks. ``ended`` is the
    number of proofs that were ended: of an earlier epoch, or of a removed authenticator. ``overdue`` are proofs for one
    sign-in that time alone has ended.
    """

    subject: Subject
    account: Account
    browser: Browser | None
    handle: str
    network: str
    proofs: tuple[Proof, ...] = ()
    overdue: tuple[Proof, ...] = ()
    other_networks: int = 0
    ended: int = 0
    skipped: bool = False
    upstream: bool = False
    traits: TraitsOf = field(default_factory=dict)

    @property
    def enrolled(self) -> bool:
        """Tell if there is a second factor: one of ours, or sign-ins elsewhere that count (S-83)."""
        return self.upstream or holds_factor(self.account, self.traits)

    @property
    def holds(self) -> bool:
        """Tell if anything is set up, even backup codes alone: a first enrollment is over (S-82)."""
        return self.upstream or bool(self.account.authenticators)


def login_handle(upstream: Upstream) -> str:
    """Return the handle under which the proof of a sign-in elsewhere is kept.

    It takes the place of the digest of a browser's handle. No cookie can hold it.
    """
    return f"{UPSTREAM}:{upstream.auth_time}"


def skip_key(subject: Subject, handle: str) -> str:
    """Return the key of a skip.

    It is made of the host's sign-in session, or of the browser if the host names none.
    """
    return f"s:{handle_digest(subject.session)}" if subject.session else f"b:{handle}"


def session_mark(subject: Subject) -> str:
    """Return the mark of a proof that is bound to the host's sign-in session.

    It is a digest, so that the store holds no session of the host.
    """
    return handle_digest(subject.session) or NO_SESSION


def skip_time(account: Account, subject: Subject, handle: str) -> int:
    """Return the time (UTC seconds) of the last skip in this sign-in or browser, 0 for never."""
    if not account.skips:
        return 0
    key = skip_key(subject, handle)
    return max((at for where, at in account.skips if where == key), default=0)


def sign_out_time(account: Account, subject: Subject) -> int:
    """Return the time (UTC seconds) at which a named sign-in was signed out; -1 for never."""
    if not subject.session:
        return -1
    key = skip_key(subject, "")
    return max((at for where, at in account.sign_outs if where == key), default=-1)


def is_overdue(proof: Proof, now: int) -> bool:
    """Tell if a proof for one sign-in has ended by time, because the host names no sign-ins."""
    return proof.session == NO_SESSION and now - proof.at >= SESSION_LIFE


def standing_for(
    caller: Caller,
    account: Account,
    *,
    now: int,
    traits: TraitsOf,
    freshness: FreshnessRules,
) -> Evidence:
    """Collect the proofs of the caller that count here and now; no other function does so.

    A proof of another subject, epoch, session or network is dropped. ``freshness`` decides if the network matters, and
    which sign-ins elsewhere count. In a sign-in that was signed out, no proof of before counts: the host's cookie may be
    a copy that the host cannot end (S-20). A sign-in at an identity provider still does: its time may be that of days ago.

    Raises ``ValueError`` if the account is not the caller's: nobody passes with the proof of another account.
    """
    subject = caller.subject
    if account.key is not subject.key and account.key != subject.key:
        raise ValueError("an account was joined with another subject")
    now = max(now, account.seen_at)
    browser = account.browser(caller.handle)
    any_network = freshness.ip_change.action == "log"
    mine: list[Proof] = []
    overdue: list[Proof] = []
    others = ended = 0
    proofs = browser.proofs if browser else ()
    signed_out_at = sign_out_time(account, subject) if account.sign_outs else -1
    if subject.upstream is not None:
        proofs = (*proofs, *_login(subject, account, freshness))
    for proof in proofs:
        known = proof.factor == UPSTREAM or account.authenticator(proof.authenticator) is not None
        is_of_before = proof.at <= signed_out_at and proof.factor != UPSTREAM
        if proof.epoch != account.epoch or not known or is_of_before:
            ended += 1
        elif proof.session and proof.session != session_mark(subject):
            continue
        elif proof.session and is_overdue(proof, now):
            overdue.append(proof)
        elif not any_network and (caller.network == UNKNOWN or proof.network != caller.network):
            others += 1
        else:
            mine.append(proof)
    if len(mine) > 1:
        mine.sort(key=lambda proof: proof.at, reverse=True)
    skipped_at = skip_time(account, subject, caller.handle) if account.skips else 0
    skipped = bool(skipped_at) and (bool(subject.session) or now - skipped_at < SESSION_LIFE)
    return Evidence(
        subject=subject,
        account=account,
        browser=browser,
        handle=caller.handle,
        network=caller.network,
        proofs=tuple(mine),
        overdue=tuple(overdue),
        other_networks=others,
        ended=ended,
        skipped=skipped,
        upstream=bool(account.logins) and freshness.trusts_logins,
        traits=traits,
    )


def _login(subject: Subject, account: Account, freshness: FreshnessRules) -> tuple[Proof, ...]:
    """Return the proofs by the subject's sign-in elsewhere, if the policy trusts it."""
    upstream = subject.upstream
    if upstream is None or not freshness.trusts(upstream):
        return ()
    kept = account.browser(login_handle(upstream))
    if kept is None or upstream.acr not in freshness.strong_acr:
        return kept.proofs if kept else ()
    return tuple(replace(proof, phishing_resistant=True) for proof in kept.proofs)


def holds_factor(account: Account, traits: TraitsOf, kinds: tuple[str, ...] | None = None) -> bool:
    """Tell if the account has a factor, of one of ``kinds`` unless they are None."""
    for mine in account.authenticators:  # noqa: SIM110 - each judgement asks, and a generator costs as much again
        if (kinds is None or mine.factor in kinds) and is_factor(mine.factor, traits):
            return True
    return False


def is_factor(kind: str, traits: TraitsOf) -> bool:
    """Tell if a kind counts as a factor alone.

    Backup codes do not (S-93). A kind that this version does not know does (S-83).
    """
    known = traits.get(kind)
    return known is None or not known.backup
