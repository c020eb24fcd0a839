"""``[sends]``: the limits of messages to all subjects together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from ..model import Seconds
from .units import DAY

Units = NewType("Units", int)
"""Money, in the small coin that the policy counts in (any one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCount:
    """The bound of ``count`` sends in ``window``, over all people who ask."""

    count: int
    window: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """The price of one message, in the unit of ``cap_per_day``.

    It is a whole number of the small coin that the policy counts in.
    """

    sms: int = 0
    voice: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredRules:
    """The alarm for codes that nobody answers.

    It is raised when, after ``after`` texts and calls of a day, less than ``below`` percent were answered.
    """

    below: int = 30
    after: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRules:
    """``[sends]``: the limits of messages to all subjects together (S-129).

    ``per_range`` counts together the numbers that differ only in their last four digits. ``per_network`` and
    ``per_tenant`` count within the tenant. ``cap_per_day`` is a tenant's money for texts and calls in one UTC day,
    None for no cap. At ``warn_at`` percent of it, the administrators are told.
    """

    per_destination: SendCount = SendCount(count=30, window=Seconds(DAY))
    per_range: SendCount = SendCount(count=300, window=Seconds(3600))
    per_network: SendCount = SendCount(count=1000, window=Seconds(3600))
    per_tenant: SendCount = SendCount(count=20_000, window=Seconds(DAY))
    price: PriceRules = PriceRules()
    cap_per_day: Units | None = None
    warn_at: int = 80
    unanswered: UnansweredRules = UnansweredRules()
