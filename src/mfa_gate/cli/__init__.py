"""Run the command ``mfa-gate``: exit 0 done, 1 the answer is no, 2 wrong use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..errors import MFAGateError
from .terminal import fault_of, plain_lines, prepare

__all__ = ["main"]


def parser() -> argparse.ArgumentParser:
    """Build the whole command line."""
    from . import accounts, audit, keys, policy, report, store, tokens
    from .doctor import subcommand as doctor
    from .totp_import import subcommand as totp_import

    top = argparse.ArgumentParser(prog="mfa-gate", description="The second factor for apps that have a sign-in.")
    sub = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    policy.add_commands(sub)
    keys.add_commands(sub)
    accounts.add_commands(sub)
    audit.add_commands(sub)
    tokens.add_commands(sub)
    report.add_commands(sub)
    store.add_commands(sub)
    doctor.add_commands(sub)
    totp_import.add_commands(sub)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    prepare()
    fault = fault_of(sys.argv[1:] if argv is None else argv)
    if fault:
        print(f"mfa-gate: {fault}", file=sys.stderr)
        return 2
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except MFAGateError as error:
        print(f"mfa-gate: {plain_lines(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
