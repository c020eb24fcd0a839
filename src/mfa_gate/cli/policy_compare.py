"""Compare two policy files: ``policy diff`` and ``policy equal``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .factors import registry_of
from .policy_args import existing
from .policy_output import print_json, print_table

if TYPE_CHECKING:
    from ..policyfile.tools.diff import Difference

DONE, NO = 0, 1


def add_two_files(parser: argparse.ArgumentParser) -> None:
    """Add the two policy files."""
    parser.add_argument("old", metavar="OLD", type=Path)
    parser.add_argument("new", metavar="NEW", type=Path)


def add_allowance(parser: argparse.ArgumentParser) -> None:
    """Add the leave to be looser; ``--allow-weaker`` is its older name."""
    parser.add_argument(
        "--allow-looser",
        "--allow-weaker",
        action="store_true",
        help="a looser policy is no failure",
        dest="allow_looser",
    )


def diff_policies(args: argparse.Namespace) -> int:
    """Run ``policy diff``. Returns 1 if something gets looser, unless that is allowed."""
    from ..policyfile.tools.diff import loosened

    found = _differences(args)
    looser = loosened(found)
    refused = bool(looser) and not args.allow_looser
    if args.json:
        print_json({"ok": not refused, "differences": found})
        return NO if refused else DONE
    _print(found)
    if refused:
        print(f"{len(looser)} looser; say --allow-looser if that is meant", file=sys.stderr)
    return NO if refused else DONE


def equal_policies(args: argparse.Namespace) -> int:
    """Run ``policy equal``. Returns 1 if one of the two is looser or stricter in something."""
    from ..policyfile.tools.diff import are_equal

    found = _differences(args)
    equal = are_equal(found)
    if args.json:
        print_json({"ok": equal, "differences": found})
    elif equal:
        print("equal: every request is decided alike, and nothing else is looser or stricter")
    else:
        _print(found)
    return DONE if equal else NO


def _differences(args: argparse.Namespace) -> tuple[Difference, ...]:
    from ..policyfile import load_policy
    from ..policyfile.tools.diff import differences

    factors = registry_of(args)
    old, new = (load_policy(existing(path), factors=factors) for path in (args.old, args.new))
    return differences(old, new, now=int(time.time()), factors=factors)


def _print(found: tuple[Difference, ...]) -> None:
    """Print one line for each change in each direction, and its witness below.

    The looser ones come first, then the stricter ones.
    """
    if not found:
        print("no difference")
    for entry in sorted(found, key=lambda entry: (entry.change != "looser", entry.change != "stricter")):
        print_table([(entry.change, entry.tenant or "(all)", entry.path, entry.old or "-", "->", entry.new or "-")])
        if entry.witness is not None:
            print(f"    {entry.witness.text}")
