"""Offer ``mfa-gate import``: authenticator apps that people enrolled elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import SettingsError
from ..context import DONE, NO, add_actor, add_parts, operator_name, service_of
from ..progress import Progress
from ..terminal import json_text, one_line

if TYPE_CHECKING:
    from . import Report

FORMATS = ("auto", "uri", "csv", "django-otp", "authelia")


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``import`` to the program's parser."""
    about = "import authenticator apps from otpauth addresses, CSV, django-otp or Authelia"
    command = sub.add_parser("import", help=about, description=about)
    command.add_argument("file", metavar="FILE", type=Path)
    command.add_argument("--format", choices=FORMATS, default="auto", help="default: told by the file")
    command.add_argument("--tenant", default="default", help="everybody's, where the file names none")
    command.add_argument("--dry-run", action="store_true", help="count and judge; write nothing")
    command.add_argument("--user-table", default="auth_user", metavar="TABLE", help="django-otp: the host's users")
    command.add_argument(
        "--user-column", default="id", metavar="COLUMN", help="django-otp: which of its columns is the id"
    )
    add_parts(command)
    add_actor(command)
    command.set_defaults(run=import_apps)


def import_apps(args: argparse.Namespace) -> int:
    """Import the apps of a file. Returns 1 if a line was refused; the others are imported.

    It can be run again after a stop.
    """
    from . import separator_in

    report = asyncio.run(_brought(args))
    separator = separator_in(args.file, args.format)
    refused = Counter(item.reason for item in report.refused)
    if args.json:
        document = {
            "ok": not report.refused,
            "dry_run": args.dry_run,
            "separator": separator,
            "read": report.read,
            "imported": report.imported,
            "present": report.present,
            "short": len(report.short),
            "refused": dict(refused),
            "lines": [
                {"line": item.line, "user": item.user, "reason": item.reason, "text": item.text}
                for item in report.refused
            ],
        }
        print(json_text(document, indent=2))
        return NO if report.refused else DONE
    for item in report.refused:
        print(
            f"line {item.line}: {one_line(item.user) or '(nobody)'}: {item.reason}: {one_line(item.text)}",
            file=sys.stderr,
        )
    for record in report.short:
        bits = 8 * len(record.secret)
        print(
            f"line {record.line}: {one_line(record.user)}: warning: the secret has {bits} bits, fewer than 128",
            file=sys.stderr,
        )
    done = "would be imported" if args.dry_run else "imported"
    parts = [f"{report.imported} {done}", f"{report.present} there already", f"{len(report.refused)} refused"]
    parts += [f"{len(report.short)} short"] if report.short else []
    separated = f" (columns separated by {separator})" if separator else ""
    print(f"{report.read} read{separated}: {', '.join(parts)}")
    return NO if report.refused else DONE


async def _brought(args: argparse.Namespace) -> Report:
    from . import Options, bring, read

    options = Options(tenant=args.tenant, user_table=args.user_table, user_column=args.user_column)
    # The whole file is read before anything is written: with a fault at its end nothing is imported.
    found = list(read(args.file, args.format, options))
    actor = operator_name(args)
    with Progress("importing") as progress:
        if args.dry_run and not _has_store(args):
            return await bring(found, None, actor=actor, reason=args.reason, is_dry=True, step=progress.step)
        async with service_of(args, makes=not args.dry_run) as service:
            return await bring(found, service, actor=actor, reason=args.reason, is_dry=args.dry_run, step=progress.step)


def _has_store(args: argparse.Namespace) -> bool:
    """Tell if a dry run has a store to compare with; it makes none."""
    from ...stores import store_from_url
    from ..context import given
    from ..doctor.live_store import sqlite_path

    try:
        path = sqlite_path(store_from_url(given(args, "store", "MFA_GATE_STORE")))
    except SettingsError:
        if getattr(args, "store", None):
            raise
        return False
    return path is None or Path(path).exists()
