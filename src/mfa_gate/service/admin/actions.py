"""Acts of administrators on an account, one row an act.

Page, JSON and command are made from the row. To add an act, add a row here or beside, and its words to
``web/templates/admin/_actions.html``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...core.changes import Change, admin, keep, two_people
from ...core.model import Account
from ...core.reasons import Refusal
from . import break_glass_actions, leaving_actions
from .action import Action, Field, Given, Tone

__all__ = ["ACTIONS", "Action", "Field", "Given", "Tone"]


def _approve(account: Account, given: Given) -> Change[Refusal | None]:
    """Do what another administrator asked for, with what was given then."""
    taken = two_people.confirmed(account, given.moment, by=given.by, ref=given.ref, reason=given.reason)
    asked = taken.answer
    if isinstance(asked, Refusal):
        return keep(account, asked)
    given = replace(given, reason=asked.reason, ticket=asked.ticket, authenticator=asked.item)
    done = ACTIONS[asked.act].step(taken.account, given)
    if done.answer is not None:
        return keep(account, done.answer)
    return Change(account=done.account, events=(*taken.events, *done.events), answer=None)


_DAILY = (
    Action(
        name="unlock",
        right="unlock",
        step=lambda account, given: admin.unlock(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/unlock",
        command=("unlock",),
        summary="Give all attempts back.",
        help="give the attempts back",
        done="{key} has all attempts back",
        tone="primary",
        offered=lambda shown: shown.lock is not None or shown.attempts_left < shown.attempts_max,
    ),
    Action(
        name="lock",
        right="unlock",
        step=lambda account, given: admin.lock(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/lock",
        command=("lock",),
        summary="Lock the account, and end every proof.",
        help="lock, and end every proof",
        done="{key} is locked; every proof has ended",
        tone="danger",
        offered=lambda shown: True,
    ),
    Action(
        name="reset",
        right="reset",
        step=lambda account, given: admin.reset(
            account, given.moment, ticket=given.ticket, reason=given.reason, hold=given.hold
        ),
        fields=("ticket", "reason"),
        place="/reset",
        command=("reset",),
        summary="Remove every factor under a ticket. A request for help that is held is refused with too_soon.",
        help="remove every factor under a ticket",
        done="{key} has no factor any more; reset the password in your application as well",
        tone="danger",
        offered=lambda shown: bool(shown.authenticators) and shown.asked is None,
        needs_two=True,
    ),
    Action(
        name="ticket",
        right="reset",
        step=lambda account, given: admin.give_ticket(
            account,
            given.moment,
            digest=given.digest,
            life=given.life,
            reason=given.reason,
            hold=given.hold,
            mail=given.mail,
        ),
        fields=("reason", "mail"),
        place="/ticket",
        command=("ticket",),
        summary="Make an enrollment ticket: one use, for as long as the policy says. It is shown this once; with mail it is "
        "sent to the person's address instead.",
        help="make an enrollment ticket: one use, for as long as the policy says, shown once",
        done="{ticket}",
        tone="primary",
        offered=lambda shown: not shown.authenticators,
        unknown=True,
        gives_ticket=True,
    ),
)
_ANSWERS = (
    Action(
        name="refuse",
        right="reset",
        step=lambda account, given: admin.refuse_recovery(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/refuse",
        command=("refuse",),
        summary="Answer a request for help with no.",
        help="answer a request for help with no",
        done="the request of {key} is refused",
        tone="secondary",
        offered=lambda shown: shown.recovery is not None,
    ),
    Action(
        name="approve",
        right="reset",
        step=_approve,
        fields=("ref",),
        place="/approve",
        command=("approve",),
        summary="Confirm, as a second administrator, an act on a person who holds rights; ref is the request that was read.",
        help="confirm what somebody else asked for within the hour, on a person who holds rights",
        done="it is done for {key}",
        tone="danger",
        offered=lambda shown: shown.asked is not None and not shown.asked.own,
        by_person=True,
    ),
    Action(
        name="withdraw",
        right="reset",
        step=lambda account, given: two_people.withdraw(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/withdraw",
        command=("withdraw",),
        summary="Take back an act that waits for a second administrator.",
        help="take back what waits for a second administrator",
        done="nothing waits for {key} any more",
        tone="secondary",
        offered=lambda shown: shown.asked is not None,
    ),
)
_ROWS = (*_DAILY, *break_glass_actions.ROWS, *_ANSWERS, *leaving_actions.ROWS)
ACTIONS: Mapping[str, Action] = {row.name: row for row in _ROWS}
