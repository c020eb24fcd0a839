"""Offer the command that makes the key by which push services know this site."""

from __future__ import annotations

import argparse
import json

from ..senders.push import make_vapid_key, public_vapid_key

DONE = 0


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``keys vapid``."""
    vapid = commands.add_parser("vapid", help="print a new key for waking phones (Web Push), alone, on standard output")
    vapid.add_argument("--json", action="store_true", help="print JSON, with the public key")
    vapid.set_defaults(run=new_vapid_key)


def new_vapid_key(args: argparse.Namespace) -> int:
    """Print a fresh private key for ``WebPushSender``.

    It is a secret: keep it with the other secrets. After a change of it every phone asks again for the permission to be woken.
    """
    private = make_vapid_key()
    print(json.dumps({"private_key": private, "public_key": public_vapid_key(private)}) if args.json else private)
    return DONE
