"""Changes that people make themselves.

They rename, set the default, remove, forget a browser, sign out, answer the agreement, and ask for help.
"""

from __future__ import annotations

from collections.abc import Collection

from ..assurance import TraitsOf
from ..entropy import handle_digest
from ..events import Event, Moment
from ..evidence import login_handle, session_mark, skip_key
from ..model import Acceptance, Account, Authenticator, Browser, Caller, Proof, Recovery, replace
from ..reasons import Refusal
from ..rules import AgreementRules, Stage
from ..text_safety import typed_line
from .base import Change, end_proofs, keep, refuse, time_of
from .bounds import tidy
from .enroll import MAX_LABEL
from .removal import without_authenticator
from .slow_recovery import begin, stopped

MAX_ABOUT = 500


def swap_in(account: Account, authenticator: Authenticator) -> Account:
    return replace(
        account,
        authenticators=tuple(authenticator if a.id == authenticator.id else a for a in account.authenticators),
    )


def rename(account: Account, moment: Moment, *, id: str, label: str) -> Change[Authenticator | Refusal]:
    """Give an authenticator another name, unique for the subject and at most 40 characters.

    Answers the authenticator, or a refusal.
    """
    mine = account.authenticator(id)
    label = typed_line(label)
    if mine is None:
        return refuse(account, "not_found")
    if not label or len(label) > MAX_LABEL:
        return refuse(account, "malformed", member="label")
    if any(a.label.casefold() == label.casefold() and a.id != id for a in account.authenticators):
        return refuse(account, "label_taken", member="label")
    changed = replace(mine, label=label)
    event = moment.event("factor.changed", account.key, factor=mine.factor, authenticator=id, reason="renamed")
    return Change(account=tidy(swap_in(account, changed), time_of(account, moment)), events=(event,), answer=changed)


def set_default(account: Account, moment: Moment, *, id: str, traits: TraitsOf) -> Change[Authenticator | Refusal]:
    """Choose the authenticator that is offered first; backup codes cannot be it.

    Answers the authenticator, or a refusal.
    """
    mine = account.authenticator(id)
    if mine is None:
        return refuse(account, "not_found")
    if mine.factor in traits and traits[mine.factor].backup:
        return refuse(account, "not_allowed")
    event = moment.event("factor.changed", account.key, factor=mine.factor, authenticator=id, reason="default")
    changed = replace(account, default=id)
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=mine)


def remove(
    account: Account, moment: Moment, *, id: str, traits: TraitsOf, stage: Stage, permanent: bool
) -> Change[Authenticator | Refusal]:
    """Remove an authenticator; its proofs end with it.

    The last one cannot be removed while the policy requires one (S-88). Where the policy makes enrollment
    ``permanent``, the last one cannot be removed at any stage. Answers the removed authenticator, or a refusal.
    """
    mine = account.authenticator(id)
    if mine is None:
        return refuse(account, "not_found")
    changed = without_authenticator(account, mine, traits=traits)
    if not changed.authenticators and (permanent or stage == "required"):
        return refuse(account, "last_factor")
    event = moment.event("factor.removed", account.key, factor=mine.factor, authenticator=id)
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=mine)


def forget_browsers(account: Account, moment: Moment, *, ids: Collection[str]) -> Change[int | Refusal]:
    """Remove remembered browsers and their proofs; their cookies are dead.

    Answers how many were removed, or a refusal where none of them is known.
    """
    gone = [b for b in account.browsers if b.id in ids]
    return _without(account, moment, gone) if gone else refuse(account, "not_found")


def forget_others(account: Account, moment: Moment, *, handle: str) -> Change[int]:
    """Remove every remembered browser but the one with ``handle``; their cookies are dead.

    Answers how many were removed.
    """
    return _without(account, moment, [b for b in account.browsers if b.handle != handle])


def _without(account: Account, moment: Moment, gone: Collection[Browser]) -> Change[int]:
    events = tuple(moment.event("browser.forgotten", account.key, browser=b.id) for b in gone)
    changed = replace(account, browsers=tuple(b for b in account.browsers if b not in gone))
    return Change(account=tidy(changed, time_of(account, moment)), events=events, answer=len(gone))


def end_everywhere(account: Account, moment: Moment) -> Change[int]:
    """Remove every remembered browser, and end every proof made so far.

    That of the caller's own browser ends as well. Answers how many browsers were removed.
    """
    event = moment.event("proofs.revoked", account.key, reason="signed-out-everywhere")
    known, now = len(account.browsers), time_of(account, moment)
    account, taken_back = stopped(account, moment, reason="signed-out-everywhere", told_by="proofs.revoked")
    ended = end_proofs(replace(account, browsers=()), now)
    return Change(account=tidy(ended, now), events=(event, *taken_back), answer=known)


def end_sign_in(account: Account, moment: Moment, caller: Caller) -> Change[None]:
    """End the proofs of the caller's sign-in in every browser, and its leave to enroll later.

    Where the host names no sign-in session, it ends the proofs that this browser was told not to remember (decisions
    12, 47 and 53). A browser that has no other proof is forgotten. The sign-out itself is kept, so that every worker
    ends the open connections of that sign-in, and so that remembered proofs count in later sign-ins alone (S-20).
    """
    mark, key = session_mark(caller.subject), skip_key(caller.subject, caller.handle)

    def is_over(browser: Browser, proof: Proof) -> bool:
        return proof.session == mark and (bool(caller.subject.session) or browser.handle == caller.handle)

    left: list[Browser] = []
    for browser in account.browsers:
        proofs = tuple(proof for proof in browser.proofs if not is_over(browser, proof))
        if proofs or not browser.proofs:
            left.append(browser if len(proofs) == len(browser.proofs) else replace(browser, proofs=proofs))
    changed = replace(account, browsers=tuple(left), skips=tuple(item for item in account.skips if item[0] != key))
    if changed == account and not account.browsers:
        return keep(account, None)
    events = (moment.event("session.ended", account.key),) if changed != account else ()
    now = time_of(account, moment)
    others = tuple(item for item in account.sign_outs if item[0] != key)
    changed = replace(changed, sign_outs=(*others, (key, now)))
    return Change(account=tidy(changed, now), events=events, answer=None)


def accept_agreement(
    account: Account, moment: Moment, caller: Caller, *, agreement: AgreementRules, version: str
) -> Change[Refusal | None]:
    """Record the acceptance with version, digest, time and network.

    Another version than the policy's is refused. Answers a refusal, or None.
    """
    if version != agreement.version:
        return refuse(account, "malformed", member="version")
    now = time_of(account, moment)
    session = handle_digest(caller.subject.session)
    accepted = Acceptance(
        agreement=agreement.id,
        version=version,
        digest=agreement.digest,
        at=now,
        network=caller.network,
        session=session,
    )
    each = agreement.again == "each-sign-in"
    others = tuple(
        a for a in account.acceptances if a.agreement != agreement.id or (each and session and a.session != session)
    )
    detail = {"agreement": agreement.id, "version": version, "digest": agreement.digest[:16]}
    event = moment.event("agreement.accepted", account.key, **detail)
    changed = replace(account, acceptances=(*others, accepted))
    return Change(account=tidy(changed, now), events=(event,), answer=None)


def decline_agreement(account: Account, moment: Moment, caller: Caller) -> Change[None]:
    """Record that the agreement was declined.

    The proofs of this browser end, so that it starts anew.
    """
    event = moment.event("agreement.declined", account.key)
    upstream = caller.subject.upstream
    mine = (caller.handle, login_handle(upstream) if upstream else "")
    changed = replace(account, browsers=tuple(b for b in account.browsers if b.handle not in mine))
    return Change(account=tidy(changed, time_of(account, moment)), events=(event,), answer=None)


def request_recovery(
    account: Account, moment: Moment, *, about: str, by_hand: bool = True, wait: int = 0, told: str = ""
) -> Change[str | Refusal]:
    """Record the request for help of a person who lost access.

    It has at most 500 characters, and there is one at a time. A person with no factor and no lock has lost nothing, and
    is refused. ``by_hand``: administrators answer requests. After ``wait`` seconds (0: never) it opens a first enrollment
    by itself; ``told`` are the contacts on file, sealed. A locked account waits for an administrator. Asking again does not
    change the wait. Answers the reference, or a refusal.
    """
    text = typed_line(about)
    if not text or len(text) > MAX_ABOUT:
        return refuse(account, "malformed", member="about")
    waiting, locked = account.recovery, account.lock is not None
    opens = bool(wait and told and account.authenticators) and not locked
    if waiting is not None and (waiting.opens_at or not opens):
        return keep(account, waiting.ref)
    if not (account.authenticators or locked) or not (by_hand or opens):
        return refuse(account, "not_allowed")
    now = time_of(account, moment)
    events: tuple[Event, ...] = ()
    if waiting is None:
        more = {"told_by": "recovery.waiting"} if opens else {}
        event = moment.event("recovery.requested", account.key, **more)
        waiting, events = Recovery(ref=event.id, at=now, about=text, network=moment.network), (event,)
    if opens:
        waiting, event = begin(account, moment, replace(waiting, at=now), wait=wait, told=told)
        events = (*events, event)
    return Change(account=tidy(replace(account, recovery=waiting), now), events=events, answer=waiting.ref)
