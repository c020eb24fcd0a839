"""The pages that stand for themselves: a link from a notice, the phone's page, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputing:
    """The page ``/dispute/{token}``, reached from a notice without signing in.

    It shows the event, a tick (``sure``) and the button "this was not me" (``action=dispute``). The form has no token of
    ours: the address is the secret. ``done`` says that the button was pressed, ``undoable`` that a person who signs in may
    take it back. ``place`` is where ``network`` is, in the host's words.
    """

    template: ClassVar[str] = "dispute.html"
    kind: str
    at: int
    url: str
    network: str = ""
    ref: str = ""
    done: bool = False
    undoable: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """The page ``/approve`` of the phone, which its script fills.

    ``host`` is the relying party's id, which is part of the text that the phone signs. ``push_key`` is the public key
    for waking the phone (VAPID), empty where nothing wakes it. ``icon`` is the address of the page's icon. ``is_known``:
    this browser was set up once, so without a key it has lost it. ``is_worn``: the page has the brand of an organization.
    """

    template: ClassVar[str] = "approve.html"
    host: str
    push_key: str = ""
    icon: str = ""
    is_known: bool = False
    is_worn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """The page that says that there is nothing to confirm (U-55, U-73).

    It was done here, or in another tab. ``continue_url`` leads on. ``few_codes``: so few backup codes are left that a new
    set is offered (U-35).
    """

    template: ClassVar[str] = "continue.html"
    continue_url: str
    why: Literal["done", "already"] = "already"
    few_codes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenField:
    """One field of a form that is kept."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """The page that says that a form was not sent (U-69).

    ``back`` leads to the page of the form. A form that is kept has a ``target``, and ``fields`` as they were sent.
    """

    template: ClassVar[str] = "unsent.html"
    back: str
    target: str = ""
    fields: tuple[HiddenField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiesOff:
    """The page for a browser that keeps no cookies. ``retry_url`` tries again."""

    template: ClassVar[str] = "cookies_off.html"
    retry_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongAddress:
    """The page for a form that was opened at an address that is not listed.

    ``url`` is the same page at a listed one. ``came`` and ``listed`` are for the developer, on the own machine only. ``ref``
    stands in the log.
    """

    template: ClassVar[str] = "wrong_address.html"
    url: str
    ref: str = ""
    came: str = ""
    listed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """The small page for a browser that loads us inside a frame.

    Its one link opens ``url`` as a page of its own. With ``leaves`` the page goes there by itself.
    """

    template: ClassVar[str] = "framed.html"
    url: str
    leaves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The page for any refusal.

    ``reason`` is a word of ``core.reasons``, ``ref`` the event's id. ``back`` leads on. ``until`` is the time at which the
    refusal ends by itself.
    """

    template: ClassVar[str] = "fault.html"
    reason: str
    status: int
    ref: str = ""
    detail: str = ""
    retry_after: int = 0
    retry_url: str = ""
    back: str = ""
    until: int = 0
