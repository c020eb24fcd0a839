"""The commands about keys: make one, and seal everything anew under the newest."""

from __future__ import annotations

import argparse
import json
import secrets

from ..keyring import KEY_BYTES, make_key

DONE = 0


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``keys`` with its commands to the program's parser."""
    keys = sub.add_parser("keys", help="make and rotate keys")
    commands = keys.add_subparsers(dest="keys_command", required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="print a new key, alone, on standard output")
    new.add_argument("--json", action="store_true", help="print JSON")
    new.set_defaults(run=new_key)


def new_key(args: argparse.Namespace) -> int:
    """A fresh key on standard output and nothing else: it is a secret, keep it where your other secrets are."""
    key = make_key(secrets.token_bytes(KEY_BYTES))
    print(json.dumps({"key": key}) if args.json else key)
    return DONE
