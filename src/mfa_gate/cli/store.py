"""Offer ``mfa-gate store accept``: go on with an older copy that was put in place."""

from __future__ import annotations

import argparse
import asyncio

from ..service.maintenance.acceptance import accept_contents
from ..stores import store_from_url
from .context import DONE, add_actor, add_parts, given, keyring_of, operator_name, policy_of, service_of, tell
from .terminal import one_line


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``store`` with its command to the program's parser."""
    store = sub.add_parser("store", help="decide about the store itself")
    commands = store.add_subparsers(dest="store_command", required=True, metavar="COMMAND")
    about = (
        "go on with an older copy that was put in place: every proof ends, codes of before count no more, locks stand"
    )
    command = commands.add_parser("accept", help=about, description=about)
    add_parts(command)
    add_actor(command)
    command.set_defaults(run=accept)


def accept(args: argparse.Namespace) -> int:
    """Accept the store as it is now, even if it refuses to open.

    Wrong keys or a wrong policy are reported before anything is done.
    """
    return asyncio.run(_accept(args))


async def _accept(args: argparse.Namespace) -> int:
    operator_name(args)
    keyring_of(args)
    policy_of(args)
    await store_from_url(given(args, "store", "MFA_GATE_STORE")).accept()
    async with service_of(args) as service:
        people = await accept_contents(service, actor=operator_name(args), reason=args.reason)
    text = [f"{one_line(tenant)}: {count} accounts" for tenant, count in people.items()]
    text.append("accepted: everybody proves the second step again; codes and backup codes of before count no more")
    tell(args, {"accepted": True, "accounts": people}, "\n".join(text))
    return DONE
