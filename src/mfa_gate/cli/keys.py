"""Offer the commands about keys: make one, and seal everything anew under the newest."""

from __future__ import annotations

import argparse
import json
import secrets
from typing import TYPE_CHECKING

from ..keyring import KEY_BYTES, make_key
from . import vapid

if TYPE_CHECKING:
    from ..service import Service

DONE = 0


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``keys`` with its commands to the program's parser."""
    keys = sub.add_parser("keys", help="make and rotate keys")
    commands = keys.add_subparsers(dest="keys_command", required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="print a new key, alone, on standard output")
    new.add_argument("--json", action="store_true", help="print JSON")
    new.set_defaults(run=new_key)
    vapid.add_command(commands)

    from .context import add_parts, running

    anew = commands.add_parser("rotate", help="seal everything anew under the newest key of the keys file")
    add_parts(anew)
    anew.add_argument("--actor", default="", metavar="NAME", help="who does this; it is written down")
    anew.add_argument("--reason", default="", metavar="TEXT", help="why; it is written down")
    anew.set_defaults(run=running(_rotate))
    public = commands.add_parser(
        "verify-key", help="print the key that verifies signed heads and exports, and does nothing else"
    )
    public.add_argument(
        "--keys-file", metavar="FILE", help="a file with one key a line, newest first (MFA_GATE_KEYS_FILE)"
    )
    public.add_argument("--json", action="store_true", help="print JSON")
    public.set_defaults(run=verify_key)


def verify_key(args: argparse.Namespace) -> int:
    """Print the verification key of each listed key, newest first. It is no secret."""
    from ..service.trail_heads import key_to_text
    from ..service.trail_keys import TrailKeys
    from .context import keyring_of

    keys = TrailKeys(keyring_of(args))
    words = [key_to_text(id, keys.verify_key(id)) for id in keys.ids]
    print(json.dumps({"verify_keys": words}) if args.json else "\n".join(words))
    return DONE


def new_key(args: argparse.Namespace) -> int:
    """Print a fresh key on standard output, and nothing else.

    It is a secret: keep it with the other secrets.
    """
    key = make_key(secrets.token_bytes(KEY_BYTES))
    print(json.dumps({"key": key}) if args.json else key)
    return DONE


async def _rotate(args: argparse.Namespace, service: Service) -> int:
    from .rotate_keys import rotate

    return await rotate(args, service)
