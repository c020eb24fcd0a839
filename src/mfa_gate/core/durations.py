"""The written form of a length of time in a policy file: ``"7d"``, ``"90s"``, ``"7d1s"``."""

from __future__ import annotations

import re

from .model import Seconds

PATTERN = r"^(?=.)(?:[0-9]{1,6}d)?(?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,9}s)?$"
FORM = 'write it like "30s", "10m", "12h" or "7d"'
"""The words for a duration that cannot be read, wherever one is written."""
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_WRITTEN = re.compile(r"(?=.)(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?")


def parse_duration(text: str) -> Seconds | None:
    """Read a length of time, in seconds; None where ``text`` is none.

    The parts are days, hours, minutes and seconds, in this order, each at most once.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    return Seconds(sum(int(part or 0) * size for part, (_, size) in zip(found.groups(), _UNITS, strict=True)))


def seconds_of(text: str) -> Seconds:
    """Read a length of time, in seconds. Raises ``ValueError`` where ``text`` is none."""
    seconds = parse_duration(text)
    if seconds is None:
        raise ValueError(f'"{text}" is not a duration; {FORM}')
    return seconds


def format_duration(seconds: int) -> str:
    """Write ``seconds`` in the shortest way: ``604800`` is ``"7d"``."""
    rest = seconds
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
