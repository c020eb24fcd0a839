"""The proof by a sign-in at an identity provider that the policy trusts.

Each sign-in counts once: when it is first seen.
"""

from __future__ import annotations

from ..attempts import is_spent
from ..events import Moment
from ..evidence import UPSTREAM, login_handle, session_mark
from ..model import MAX_LOGINS, Account, Browser, Caller, Proof, replace
from ..networks import UNKNOWN
from ..rules import Rules
from .base import Change, keep, time_of
from .bounds import kept_browsers, tidy
from .proof import rights_seen
from .slow_recovery import stopped

SKEW = 60
"""The seconds by which the identity provider's clock may be ahead of ours."""


def is_new_login(account: Account, caller: Caller, rules: Rules, now: int) -> bool:
    """Tell if the caller's sign-in counts and has not been seen yet.

    A locked account takes none (decisions 8).
    """
    upstream = caller.subject.upstream
    if upstream is None or not rules.freshness.trusts(upstream) or caller.network == UNKNOWN:
        return False
    if account.lock is not None or is_spent(account.attempts, rules.attempts):
        return False
    fresh = upstream.auth_time - SKEW <= now < upstream.auth_time + rules.freshness.max_age
    return (
        fresh and upstream.auth_time > account.logins_from and all(at != upstream.auth_time for at, _ in account.logins)
    )


def take_login(account: Account, moment: Moment, caller: Caller, rules: Rules) -> Change[None]:
    """Take the sign-in as a proof of this network, listed and forgotten like a browser.

    It is taken the first time that it is seen, even if it is not needed. So a session that is stolen later finds the
    proof bound to the network of its owner. A sign-in that was forgotten, evicted or ended never counts again.
    """
    now = time_of(account, moment)
    upstream = caller.subject.upstream
    if upstream is None or not is_new_login(account, caller, rules, now):
        return keep(account, None)
    word = next((word for word in upstream.amr if word in rules.freshness.trust_amr), upstream.acr)
    event = moment.event("proof.upstream", account.key, factor=UPSTREAM, reason=word)
    proof = Proof(
        factor=UPSTREAM,
        authenticator=UPSTREAM,
        at=min(upstream.auth_time, now),
        network=caller.network,
        epoch=account.epoch,
        session=session_mark(caller.subject) if rules.freshness.remember == "session" else "",
    )
    browser = Browser(
        id=event.id.lower(),
        handle=login_handle(upstream),
        label=caller.label,
        created_at=now,
        proofs=(proof,),
        last_used_at=now,
        kind=UPSTREAM,
    )
    logins = (*account.logins, (upstream.auth_time, now))
    dropped = [at for at, _ in logins[:-MAX_LOGINS]]
    changed = replace(
        account,
        browsers=kept_browsers((*account.browsers, browser), account.epoch, now, max_age=int(rules.freshness.max_age)),
        logins=logins,
        logins_from=max([account.logins_from, *dropped]),
        holds_rights=rights_seen(account, caller, rules),
    )
    changed, ended = stopped(changed, moment, reason="proof")
    return Change(account=tidy(changed, now), events=(event, *ended), answer=None)
