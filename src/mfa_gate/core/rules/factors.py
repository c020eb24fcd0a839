"""``[factors]``: the kinds that may be used, and the options of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ..model import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRules:
    """A sent code: how many digits, how long it lives, how many may be outstanding."""

    digits: int = 6
    ttl: Seconds = Seconds(600)
    live: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendRules:
    """The bounds on codes sent to one subject: how soon, and how often."""

    wait: Seconds = Seconds(30)
    per_hour: int = 5
    per_day: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRules:
    """The bound of ``count`` sends in ``window``, with no wait between two."""

    count: int = 3
    window: Seconds = Seconds(900)

    @property
    def wait(self) -> Seconds:
        """Return the seconds to wait between two sends: none."""
        return Seconds(0)


@runtime_checkable
class MayBeOnFile(Protocol):
    """Options of a factor that takes its contact from the host, or from the person."""

    @property
    def is_on_file(self) -> bool:
        """Tell if the contact is the host's."""


@runtime_checkable
class SendsCode(Protocol):
    """Options of a factor that sends a code."""

    @property
    def code(self) -> CodeRules:
        """Return the rules of its code: digits, life and count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRules:
    """``[factors]``: the kinds that may be used, and their options.

    ``allowed`` and ``order`` are kinds; empty means all that the gate knows, in their own order.

    ``options`` are the tables ``[factors.<kind>]``, by kind: values of the class that the factor declares.
    """

    allowed: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    choice: Literal["user", "tenant"] = "user"
    first_offer: Literal["strongest", "last-used"] = "last-used"
    auto_send: bool = True
    mask: bool = True
    options: Mapping[str, object] = field(default_factory=dict)
