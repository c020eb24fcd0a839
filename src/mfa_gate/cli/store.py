"""Offer ``mfa-gate store`` with ``accept``, ``compact`` and ``upgrade``.

The first goes on with an older copy that was put in place. The second writes the file of a store anew. The third makes the
tables of a store in a database.
"""

from __future__ import annotations

import argparse
import asyncio

from ..errors import SettingsError
from ..service.maintenance.acceptance import accept_contents
from ..storage import Compacts, InFile, Upgrades
from ..stores import store_from_url
from .context import DONE, NO, add_actor, add_parts, given, keyring_of, operator_name, policy_of, service_of, tell
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
    about = "write the file of a SQLite store anew, so that no unused room of it has a copy of what was removed"
    command = commands.add_parser("compact", help=about, description=f"{about}; writes of others wait meanwhile")
    command.add_argument("--store", metavar="URL", help="the store (MFA_GATE_STORE)")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=compact)
    about = "make or upgrade the tables of a store in a database, as their owner"
    command = commands.add_parser("upgrade", help=about, description=about)
    command.add_argument("--store", metavar="URL", help="the store, with the owner's sign-in (MFA_GATE_STORE)")
    command.add_argument("--grant-to", default="", metavar="ROLE", help="give this role what the application needs")
    command.add_argument(
        "--insert-only", action="store_true", help="with --grant-to: it can add lines to the trail, and change none"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=upgrade)


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


def compact(args: argparse.Namespace) -> int:
    """Write the file of the store anew. Exit 1 for a store that has none."""
    return asyncio.run(_compact(args))


async def _compact(args: argparse.Namespace) -> int:
    store = store_from_url(given(args, "store", "MFA_GATE_STORE"))
    if not isinstance(store, Compacts) or not isinstance(store, InFile):
        name = type(store).__name__
        text = f"{name} has no file of its own: its README says what its server keeps of what was removed"
        tell(args, {"compacted": False, "text": text}, text)
        return NO
    await store.open(make=False)
    try:
        less = await store.compact()
    finally:
        await store.aclose()
    text = f"{store.path} was written anew and is {less} bytes smaller; backups of before are as they were"
    tell(args, {"compacted": True, "freed": less}, text)
    return DONE


def upgrade(args: argparse.Namespace) -> int:
    """Make or upgrade the tables. A store without tables of its own needs nothing."""
    return asyncio.run(_upgrade(args))


async def _upgrade(args: argparse.Namespace) -> int:
    if args.insert_only and not args.grant_to:
        raise SettingsError("--insert-only: say whom by --grant-to ROLE")
    store = store_from_url(given(args, "store", "MFA_GATE_STORE"))
    if isinstance(store, Upgrades):
        text = await store.upgrade(grant_to=args.grant_to, insert_only=args.insert_only)
    elif args.grant_to:
        raise SettingsError(f"--grant-to: {type(store).__name__} has no roles")
    else:
        text = f"{type(store).__name__} needs no upgrade: it does that by itself when the application starts"
    tell(args, {"upgraded": True, "text": text}, text)
    return DONE
