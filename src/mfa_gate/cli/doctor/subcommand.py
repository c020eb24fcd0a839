"""Offer the command ``mfa-gate doctor``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...errors import SettingsError
from ..application import WrongUse, app_of
from ..terminal import json_text, one_line

if TYPE_CHECKING:
    from .verdicts import Line

DONE, NO, WRONG_USE = 0, 1, 2


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``doctor`` to the program's parser."""
    about = "look at an app's gate: order, cookies, proxies, keys, store, clock, senders, policy"
    doctor = sub.add_parser("doctor", help=about, description=about)
    doctor.add_argument("--app", required=True, metavar="MODULE:NAME", help="the app that has the gate, or its factory")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=examine_app)


def examine_app(args: argparse.Namespace) -> int:
    """Print the verdicts. Returns 1 for any fault; warnings and notes fail nothing."""
    from .app_stack import gate_of
    from .examination import examine
    from .verdicts import Line

    try:
        app = app_of(args.app)
    except WrongUse as error:
        print(f"mfa-gate doctor: {error}", file=sys.stderr)
        return WRONG_USE
    except SettingsError as error:
        return _told(args, [Line("fault", "start", fault) for fault in error.faults])
    gate = gate_of(app)
    if gate is None:
        text = "there is no gate around this app: gate.install(app), or MFAGateMiddleware(app, gate=gate)"
        return _told(args, [Line("fault", "order", text)])
    return _told(args, asyncio.run(examine(app, gate)))


def _told(args: argparse.Namespace, lines: list[Line]) -> int:
    faults = sum(line.verdict == "fault" for line in lines)
    if args.json:
        print(json_text({"ok": not faults, "lines": [asdict(line) for line in lines]}, indent=2))
        return NO if faults else DONE
    width = max(len(line.part) for line in lines)
    for line in lines:
        print(f"{line.verdict:<7}  {line.part:<{width}}  {one_line(line.text)}")
    warnings = sum(line.verdict == "warning" for line in lines)
    print(f"{faults} fault{'' if faults == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}")
    return NO if faults else DONE
