"""Steps in a person's life that the host reports: all proofs end, the person is forgotten."""

from __future__ import annotations

from ..entropy import draw_ref
from ..events import Moment
from ..model import Account, SubjectKey, replace
from ..reasons import Refusal
from ..text_safety import names, stated
from .admin import held
from .base import Change, end_proofs, keep, refuse, time_of
from .bounds import tidy
from .break_glass import close
from .slow_recovery import stopped

NAMELESS = "The reason stays in the audit trail: leave the person's id and name out of it."


def end_all_proofs(account: Account, moment: Moment, *, reason: str) -> Change[Refusal | None]:
    """End every proof, and everything that could still become one without a new second factor.

    Challenges, drafts, leaves to enroll, skips, a break-glass grant and a recovery that opens by itself end too. The
    factors stay, and so does a ticket.
    Nothing changes for an account that nobody knows. Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    if account.is_unknown:
        return keep(account, None)
    now = time_of(account, moment)
    event = moment.event("proofs.revoked", account.key, reason=stated(reason))
    account, ended = close(account, moment, reason="revoked", told_by="proofs.revoked")
    account, taken_back = stopped(account, moment, reason="revoked", told_by="proofs.revoked")
    changed = replace(
        end_proofs(account, now), challenges=(), enrollments=(), replaced=(), skips=(), leave=None, sign_outs=()
    )
    return Change(account=tidy(changed, now), events=(event, *ended, *taken_back), answer=None)


def pseudonym_of(moment: Moment) -> str:
    """Draw the name that stands for a forgotten person. Nobody can compute it from the id."""
    return f"forgotten-{draw_ref(moment.nonce, 'pseudonym').lower()}"


def rename_hand(account: Account, *, id: str, pseudonym: str) -> Change[None]:
    """Put a pseudonym in the place of a forgotten administrator who acted on this account."""
    lock, ticket, grant, asked = account.lock, account.ticket, account.grant, account.asked

    def named(name: str) -> str:
        return pseudonym if name == id else name

    changed = replace(
        account,
        lock=replace(lock, actor=named(lock.actor)) if lock else None,
        ticket=replace(ticket, actor=named(ticket.actor)) if ticket else None,
        grant=replace(grant, asked_by=named(grant.asked_by), confirmed_by=named(grant.confirmed_by)) if grant else None,
        asked=replace(asked, asked_by=named(asked.asked_by)) if asked else None,
    )
    return Change(account=changed, events=(), answer=None)


def forget(account: Account, moment: Moment, *, pseudonym: str, reason: str = "") -> Change[str]:
    """Empty the account, so that the id begins as a new person.

    Only the key is left, and the numbers that keep old proofs and old writes dead: version, epoch and times. The event
    names the pseudonym. Answers the reference of the event, "" for an account that nobody knows.
    """
    if account.is_unknown:
        return keep(account, "")
    now = time_of(account, moment)
    event = moment.event("account.forgotten", SubjectKey(account.key.tenant, pseudonym), reason=reason)
    blank = replace(end_proofs(account, now), seen_at=now, forgotten_at=now).without_person()
    return Change(account=blank, events=(event,), answer=event.id)


def forget_on_request(
    account: Account, moment: Moment, *, pseudonym: str, reason: str, hold: int
) -> Change[Refusal | None]:
    """Empty the account on the word of an administrator, with a reason. See ``forget``.

    The reason stays in the trail, so one that names the person is refused. A waiting request for help is held for
    ``hold`` seconds first: an id that begins anew may enroll anew. Answers a refusal, or None.
    """
    if not stated(reason):
        return refuse(account, "malformed", member="reason")
    told = stated(reason).casefold()
    if any(word and names(told, word.casefold()) for word in (account.key.id, account.name)):
        return refuse(account, "malformed", member="reason", detail=NAMELESS)
    if refusal := held(account, moment.now, hold):
        return keep(account, refusal)
    done = forget(account, moment, pseudonym=pseudonym, reason=stated(reason))
    return Change(account=done.account, events=done.events, answer=None)
