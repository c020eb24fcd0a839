"""The whole impact as one document, for JSON and for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ...core.report import Part
from ...core.rules import Policy
from .replay import Replay
from .tables import DIMENSIONS, people, table, total, unknown


def document(policy: Policy, found: Replay, parts: Iterable[Part]) -> dict[str, Any]:
    """Write policy, window, numbers, tables, people, and what could not be known."""
    everybody = asdict(total(found))
    del everybody["name"]
    return {
        "policy": {"name": policy.name, "digest": policy.digest},
        "recorded_under": sorted({part.policy for part in parts}),
        "from": _stamp(found.first),
        "to": _stamp(found.last),
        **everybody,
        "tables": {name: [asdict(line) for line in table(found, name)] for name in DIMENSIONS},
        "persons": [{**asdict(line), "first_at": _stamp(line.first_at)} for line in people(found)],
        "unknown": [{"what": what, "count": count} for what, count in unknown(found)],
    }


def _stamp(at: int) -> str | None:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" if at else None
