"""Run the command ``mfa-gate``: exit 0 done, 1 the answer is no, 2 wrong use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from ..errors import MFAGateError
from .terminal import end_output, fault_of, plain_lines, prepare, told

__all__ = ["main"]


COMMANDS = {
    "policy": ("policy", "check, explain and compare policy files"),
    "keys": ("keys", "make and rotate keys"),
    "accounts": ("accounts", "look at people, unlock, lock and reset them, move them to another store"),
    "audit": ("audit", "read, search, follow, export and verify the audit trail"),
    "tokens": ("tokens", "make, list and revoke tokens for programs at the administrators' JSON"),
    "report": (
        "report",
        "print a report for a review: adoption, stale, exemptions, lockouts, locks, challenges, sends, grants, disputes,"
        " tickets, agreements",
    ),
    "store": ("store", "decide about the store itself"),
    "doctor": (
        "doctor.subcommand",
        "look at an app's gate: order, cookies, proxies, keys, store, clock, senders, policy",
    ),
    "import": (
        "totp_import.subcommand",
        "import authenticator apps from otpauth addresses, CSV, django-otp or Authelia",
    ),
}
"""The commands: the module of each, and its line in the list. A module is loaded only for its own command."""


class _Once(argparse.Action):
    """Store the value of an option, and refuse a second one.

    argparse would drop the first without a word.
    """

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        """Raise ``ArgumentError`` for an option that this call has had already."""
        had: set[str] = namespace.__dict__.setdefault("options_had", set())
        if option is not None and self.dest in had:
            raise argparse.ArgumentError(self, "is given twice; this command takes one")
        had.add(self.dest)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """Parse a command line; an option that takes one value takes it once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for action in (None, "store"):
            self.register("action", action, _Once)


@cache
def parser(only: str | None = None) -> argparse.ArgumentParser:
    """Build the whole command line, or the part of one command, once a process.

    The other commands are listed then, and their modules are not loaded.
    """
    top = _Parser(prog="mfa-gate", description="The second factor for apps that have a sign-in.")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, about) in COMMANDS.items():
        if only in (None, name):
            import_module(f"{__name__}.{module}").add_commands(sub)
        else:
            sub.add_parser(name, help=about)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    prepare()
    words = sys.argv[1:] if argv is None else argv
    fault = fault_of(words)
    if fault:
        print(f"mfa-gate: {fault}", file=sys.stderr)
        return 2
    code, fault = 0, ""
    try:
        args = parser(words[0] if words else "").parse_args(words)
        code = int(args.run(args))
    except MFAGateError as error:
        fault = plain_lines(str(error))
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        pass  # the reader has seen enough
    except OSError as error:
        fault = plain_lines(told(error))
    finally:
        unwritten = end_output()
    if fault := fault or unwritten:
        print(f"mfa-gate: {fault}", file=sys.stderr)
        return 2
    return code
