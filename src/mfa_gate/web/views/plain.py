"""Pages that stand for themselves: a link from a notice, the phone's page, faults and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputing:
    """``/dispute/{token}``, reached from a notice without signing in: what it was, and the button that says "this was not
    me" (``action=dispute``, no token of ours: the address is the secret). ``done`` says that it was pressed."""

    template: ClassVar[str] = "dispute.html"
    kind: str
    at: int
    url: str
    network: str = ""
    ref: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """``/approve``: the phone's page, which its script fills. ``host`` is the relying party's id, a word of what the phone
    signs; ``push_key`` the public key for waking it (VAPID), empty where nothing wakes it."""

    template: ClassVar[str] = "approve.html"
    host: str
    push_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """There is nothing to confirm: it was done here or in another tab (U-55, U-73). ``continue_url`` leads on."""

    template: ClassVar[str] = "continue.html"
    continue_url: str
    why: Literal["done", "already"] = "already"


@dataclass(frozen=True, slots=True, kw_only=True)
class CookiesOff:
    """The browser keeps no cookies. ``retry_url`` tries again."""

    template: ClassVar[str] = "cookies_off.html"
    retry_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """Inside a frame: a small page whose one link opens the page at the top. ``url`` is where to."""

    template: ClassVar[str] = "framed.html"
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Any refusal as a page: ``reason`` is a word of ``core.reasons``, ``ref`` the event's id, ``back`` leads on."""

    template: ClassVar[str] = "fault.html"
    reason: str
    status: int
    ref: str = ""
    detail: str = ""
    retry_after: int = 0
    retry_url: str = ""
    back: str = ""
