"""The rule of two persons: one administrator asks, a second one confirms.

Break-glass grants and acts on people who hold rights refuse alike, in the same words.
"""

from __future__ import annotations

from ..messages.letter import N_
from ..model import Account, Asked, Grant
from ..reasons import Refusal
from ..roles import Hand, is_same_hand, is_second_hand

SECOND = N_("A second administrator confirms, not the one who asked and not the person concerned.")
WHICH = "Name the request that you have read by its reference: no other one waits."


def not_by_the_concerned(account: Account, *, by: Hand) -> Refusal | None:
    """Refuse a request of the person whom it concerns; return None for others."""
    if is_same_hand(by, Hand(account.key.id, account.key.tenant)):
        return Refusal(reason="not_allowed", detail=SECOND)
    return None


def not_confirmed(account: Account, waiting: Grant | Asked | None, *, by: Hand, ref: str) -> Refusal | None:
    """Refuse a confirmation of ``waiting`` by ``by``; return None where it holds.

    ``waiting`` is the request that still waits, None for none. ``ref`` names the request that the administrator has read:
    one that took its place meanwhile is not confirmed.
    """
    if waiting is None:
        return Refusal(reason="not_found")
    if not is_second_hand(by, first=Hand(waiting.asked_by, waiting.asked_in), concerned=account.key):
        return Refusal(reason="not_allowed", detail=SECOND)
    return None if ref == waiting.ref else Refusal(reason="not_found", detail=WHICH)
