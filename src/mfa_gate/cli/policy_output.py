"""Print the answers of the policy commands: JSON, tables, faults."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .terminal import json_text

if TYPE_CHECKING:
    from ..policyfile.scenario import Outcome


def offered(outcome: Outcome) -> str:
    from ..policyfile.scenario import factors_of

    factors = factors_of(outcome)
    return f" ({', '.join(factors)})" if factors else ""


def tell_faults(args: argparse.Namespace, path: Path, faults: Iterable[Any]) -> None:
    if args.json:
        print_json({"ok": False, "faults": [{"file": str(path), **dataclasses.asdict(fault)} for fault in faults]})
        return
    for fault in faults:
        print(fault.told(str(path)), file=sys.stderr)


def counted(warnings: Sequence[Any], departures: Sequence[Any], profile: str | None) -> str:
    text = f"{len(warnings)} warning{'' if len(warnings) == 1 else 's'}"
    return f"{text}, {len(departures)} departures from {profile}" if profile else text


def print_json(value: Any) -> None:
    print(json_text(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
