"""The shape of an act of administrators on an account, and the input of its step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...core.assurance import TraitsOf
from ...core.changes import Change
from ...core.events import Moment
from ...core.model import Account
from ...core.reasons import Refusal
from ...core.roles import Hand, Right
from .documents import AccountDocument

Field = Literal["reason", "ticket", "hours", "ref", "authenticator", "browser", "mail"]
Tone = Literal["primary", "secondary", "danger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The input of a step, besides the account.

    It is drawn before the first turn of the swap. ``hold`` is the policy's hold of a request for help in seconds,
    ``life`` that of an enrollment ticket. ``digest`` is the one of a fresh ticket, ``pseudonym`` the name for a forgotten
    person, ``traits`` are those of the known factors. The other fields are those that the actor filled in: an act reads
    the fields that its row names.
    """

    moment: Moment
    by: Hand
    hold: int
    life: int
    traits: TraitsOf
    digest: str = ""
    pseudonym: str = ""
    reason: str = ""
    ticket: str = ""
    hours: int = 0
    ref: str = ""
    authenticator: str = ""
    browser: str = ""
    mail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One act.

    ``name`` is the word of the page, ``place`` the address of the JSON call below the account, ``method`` its method; a
    place that ends in ``/`` is followed by the id of ``part``. ``command`` has the words of the command below
    ``accounts``, with its ``help`` and the line that it prints (``done``). ``offered`` says for which accounts the page
    has the form. ``unknown``: also for a person whom the store does not know yet.
    ``gives_ticket``: the answer is a ticket, shown this once. ``tells``: further members of the command's JSON.
    ``needs_two``: where the person holds rights, the act waits for a second administrator. ``erases``: the person is
    erased from the trail as well. ``drops_forms``: stopped forms that were kept for the person are removed. ``optional``
    are the fields that a JSON call may leave out. ``by_person``: it is the word of a second person, which no token gives.
    ``a_day``: an actor who is not privileged does it to so many people a day, 0 for any number.
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
    method: Literal["POST", "DELETE"] = "POST"
    part: Literal["", "authenticator", "browser"] = ""
    needs_two: bool = False
    erases: bool = False
    drops_forms: bool = False
    by_person: bool = False
    a_day: int = 0
    optional: tuple[Field, ...] = ("hours", "mail")
