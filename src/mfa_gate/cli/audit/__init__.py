"""The commands about the audit trail: list, follow, export, head, verify, prune, hold."""

from __future__ import annotations

import argparse

from ...core.trail_search import WORDS
from ..context import add_actor, add_parts, running
from .export import export
from .feed import add_options, follow
from .holds import hold, list_holds, release
from .retention import prune
from .search import list_events, text_of
from .verification import accept, head, verify

__all__ = ["add_commands", "text_of"]


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``audit`` with its commands to the program's parser."""
    audit = sub.add_parser("audit", help="read, search, follow, export and verify the audit trail")
    commands = audit.add_subparsers(dest="audit_command", required=True, metavar="COMMAND")
    for name, work, help_text in (
        ("list", running(list_events), "the newest events that fit the filters, newest first"),
        ("follow", running(follow), "print events as they come, for a log shipper or fail2ban"),
        ("export", running(export), "the trail as JSON lines that can be verified, or as CSV; oldest first"),
        ("head", running(head), "print the signed head of each trail: keep it elsewhere, and verify with --expect"),
        ("verify", verify, "check that no line was removed, moved or altered, in the store or in an export"),
        (
            "accept",
            running(accept),
            "sign a trail as it stands, after you looked at its fault; an event tells of it for good",
        ),
        (
            "prune",
            running(prune),
            "remove what is older than the policy's [audit] retention; the rest verifies as before",
        ),
        ("hold", running(hold), "keep every line of a tenant's trail for a legal matter, whatever the policy says"),
        ("release", running(release), "end a legal hold; retention removes old lines again"),
        ("holds", running(list_holds), "list the legal holds"),
    ):
        command = commands.add_parser(name, help=help_text)
        add_parts(command)
        on_one = name in ("hold", "release")
        about = "the tenant whose trail is meant" if on_one else "one tenant; all where it is left out"
        command.add_argument("--tenant", default="", required=on_one, help=about)
        if name in ("list", "follow", "export"):
            for word, meaning in WORDS.items():
                command.add_argument(f"--{word}", default="", dest=f"word_{word}", metavar="X", help=f"only {meaning}")
        if name == "follow":
            add_options(command)
        if name in ("prune", "accept", "hold", "release"):
            add_actor(command, reason=name != "prune")
        if name == "release":
            command.add_argument("--ref", default="", metavar="REF", help="the hold, where the trail has several")
        if name == "list":
            command.add_argument("--limit", type=int, default=50)
        if name == "export":
            command.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
        if name == "verify":
            command.add_argument(
                "--expect", action="append", default=[], metavar="HEAD", help="a head that was kept elsewhere"
            )
            command.add_argument("--file", metavar="FILE", help="verify an export; needs no store and no secret")
            command.add_argument(
                "--verify-key", action="append", default=[], metavar="KEY", help="what mfa-gate keys verify-key printed"
            )
        command.set_defaults(run=work)
