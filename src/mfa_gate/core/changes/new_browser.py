"""The events of a proof in a browser that the person has not used before."""

from __future__ import annotations

from collections.abc import Set

from ..events import TOLD_BY, WRONG, Event, Moment
from ..model import Account, Authenticator, Caller
from ..networks import UNKNOWN
from ..rules import DAY
from .base import time_of

NEW, TAKEOVER = "browser.new", "browser.takeover"
RESET_WITHIN = DAY
"""Seconds after a reset, an unlocking or a change of the password for which a new browser is an alarm."""


def new_browser(
    account: Account,
    moment: Moment,
    caller: Caller,
    *,
    proven: Authenticator,
    wrong: int,
    networks: Set[str],
    told_by: str,
) -> tuple[Event, ...]:
    """Make the events of a new browser.

    One is for the person, and one for the administrators where something speaks for a takeover.

    That is: wrong answers came first, the network is one that the person was never seen on, or a reset or a change of the
    password is less than a day old. ``networks`` are those on which the authenticator ``proven`` was used
    before. The very first browser of a person is no news:
    the caller looks for that. A client without cookies is known by its program, as long as nothing but its name is new:
    anybody can give that name.
    """
    known = networks | {proof.network for browser in account.browsers for proof in browser.proofs}
    known |= {item.last_network for item in account.authenticators if item.id != proven.id}
    now = time_of(account, moment)
    causes = [
        *(["wrong_answers"] if wrong > 0 else []),
        *(["new_network"] if caller.network == UNKNOWN or caller.network not in known else []),
        *(["after_reset"] if account.logins_from and now - account.logins_from < RESET_WITHIN else []),
    ]
    is_program = caller.kind != "browser" and any(
        (b.kind, b.label) == (caller.kind, caller.label) for b in account.browsers
    )
    if is_program and not {"wrong_answers", "new_network"}.intersection(causes):
        return ()
    more: dict[str, str | int] = {WRONG: wrong} if wrong > 0 else {}
    told = {TOLD_BY: told_by} if told_by else {}
    event = moment.event(NEW, account.key, factor=proven.factor, **more, **told)
    if not causes:
        return (event,)
    return (event, moment.event(TAKEOVER, account.key, reason=causes[0], causes=" ".join(causes), **more))
