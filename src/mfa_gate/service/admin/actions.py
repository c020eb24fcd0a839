"""Acts of administrators on an account, one row an act.

Page, JSON and command are made from the row. To add an act, add a row here and its words to
``web/templates/admin/_actions.html``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ...core.changes import Change, admin, break_glass
from ...core.events import Moment
from ...core.model import Account
from ...core.reasons import Refusal
from ...core.roles import Hand, Right
from .documents import AccountDocument

TICKET_LIFE = 86_400
Field = Literal["reason", "ticket", "hours", "ref"]
Tone = Literal["primary", "secondary", "danger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The input of a step, besides the account.

    It is drawn before the first turn of the swap. ``hold`` is the policy's hold of a request for help in seconds.
    ``digest`` is the one of a fresh ticket. The other fields are those that the actor filled in: an act reads the
    fields that its row names.
    """

    moment: Moment
    by: Hand
    hold: int
    digest: str = ""
    reason: str = ""
    ticket: str = ""
    hours: int = 0
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One act.

    ``name`` is the word of the page, ``place`` the address of the JSON call below the account. ``command`` has the
    words of the command below ``accounts``, with its ``help`` and the line that it prints (``done``). ``offered``
    says for which accounts the page has the form. ``unknown``: also for a person whom the store does not know yet.
    ``gives_ticket``: the answer is a ticket, shown this once. ``tells``: further members of the command's JSON.
    """

    name: str
    right: Right
    step: Callable[[Account, Given], Change[Refusal | None]]
    fields: tuple[Field, ...]
    place: str
    command: tuple[str, ...]
    summary: str
    help: str
    done: str
    tone: Tone
    offered: Callable[[AccountDocument], bool]
    unknown: bool = False
    gives_ticket: bool = False
    tells: tuple[Literal["ref", "ends_at"], ...] = ()


_ROWS = (
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
        offered=lambda shown: bool(shown.authenticators),
    ),
    Action(
        name="ticket",
        right="reset",
        step=lambda account, given: admin.give_ticket(
            account,
            given.moment,
            digest=given.digest,
            life=TICKET_LIFE,
            reason=given.reason,
            hold=given.hold,
        ),
        fields=("reason",),
        place="/ticket",
        command=("ticket",),
        summary="Make an enrollment ticket: one use, one day, shown this once.",
        help="make an enrollment ticket: one use, one day, shown once",
        done="{ticket}",
        tone="primary",
        offered=lambda shown: not shown.authenticators,
        unknown=True,
        gives_ticket=True,
    ),
    Action(
        name="break-glass",
        right="reset",
        step=lambda account, given: break_glass.ask(
            account,
            given.moment,
            by=given.by,
            reason=given.reason,
            ticket=given.ticket,
            hours=given.hours,
        ),
        fields=("ticket", "hours", "reason"),
        place="/break-glass",
        command=("break-glass", "ask"),
        summary="Ask for a break-glass grant. It opens nothing until somebody else confirms.",
        help="ask for it; it opens nothing yet",
        done="asked for (reference {ref}); a second person confirms within an hour, until then nothing is open",
        tone="danger",
        offered=lambda shown: shown.grant is None and shown.lock is None,
        tells=("ref",),
    ),
    Action(
        name="confirm",
        right="reset",
        step=lambda account, given: break_glass.confirm(account, given.moment, by=given.by, ref=given.ref),
        fields=("ref",),
        place="/break-glass/confirm",
        command=("break-glass", "confirm"),
        summary="Confirm a break-glass grant as a second administrator; ref is the request that was read.",
        help="confirm what somebody else asked for within the hour",
        done="{key} gets in without a second step until {ends_at}",
        tone="danger",
        offered=lambda shown: shown.grant is not None and not shown.grant.ends_at and not shown.grant.own,
        tells=("ends_at",),
    ),
    Action(
        name="revoke",
        right="reset",
        step=lambda account, given: break_glass.revoke(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/break-glass/revoke",
        command=("break-glass", "revoke"),
        summary="End a break-glass grant, or take the request back.",
        help="end it, or take the request back",
        done="there is no break-glass grant for {key} any more",
        tone="secondary",
        offered=lambda shown: shown.grant is not None,
    ),
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
)
ACTIONS: Mapping[str, Action] = {row.name: row for row in _ROWS}
