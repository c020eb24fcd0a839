"""Do an act of the table to many people: a file of ids, a line of result for each."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from ..errors import SettingsError
from ..service import Actor, Service
from ..service.admin.actions import Action
from ..service.admin.many import outcome_of
from ..storage import Compacts
from ..web.api.admin import ticket_json
from .context import DONE, NO, operator
from .progress import Progress
from .terminal import json_text, one_line

AT_ONCE = 16
"""People whose accounts are changed side by side, so that their writes share a wait for the disk."""
NOT_MAILED = "could not be mailed"
FIRST = "a first code was made; a mistyped id goes with accounts forget"
Row = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--ids``, ``--dry-run`` and ``--results``."""
    parser.add_argument("--ids", metavar="FILE", help='a file with one id a line, "-" for the standard input')
    parser.add_argument(
        "--dry-run", action="store_true", help="with --ids: change nothing, and tell what would be done"
    )
    parser.add_argument(
        "--results",
        metavar="FILE",
        help="with --ids: also write each result there, as JSON; people who are done there are left out, so that a second run "
        "goes on where the first one stopped",
    )


def read_ids(name: str) -> list[str]:
    """Read a file of ids, each once.

    Blank lines and lines with # are skipped. Raises ``SettingsError``.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--ids {name}: cannot be read ({error})") from error
    lines = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


async def act_on_all(args: argparse.Namespace, service: Service, *, action: Action, given: dict[str, Any]) -> int:
    """Run the act for each id of ``--ids``. Returns ``NO`` if one of them was refused."""
    ids, before = read_ids(args.ids), _done_before(args.results, args.tenant, action)
    left = [id for id in ids if id not in before]
    if len(left) < len(ids):
        print(f"{len(ids) - len(left)} of {len(ids)} were done before, as {args.results} says", file=sys.stderr)
    actor, refused = operator(args), 0

    async def one(id: str) -> Row:
        return await _one(service, actor, action, id, args, given)

    with (
        _results(args.results, is_dry=args.dry_run) as results,
        Progress(action.command[-1], total=len(left)) as progress,
    ):
        async for row in _side_by_side(left, one):
            refused += not row["done"]
            text = json_text(row) if args.json else _line(row, is_dry=args.dry_run)
            print(text, flush=True)
            if results is not None:
                results.write(json.dumps(row) + "\n")
                results.flush()
            progress.step()
    if action.erases and not args.dry_run:
        tell_of_the_file(service)
    return NO if refused else DONE


def tell_of_the_file(service: Service) -> None:
    """Name the command that removes the last copies, after people were erased.

    Only a store in a file may have such copies.
    """
    if isinstance(service.engine.store, Compacts):
        print("to be rid of copies in unused room of the file as well: mfa-gate store compact", file=sys.stderr)


async def _one(
    service: Service, actor: Actor, action: Action, id: str, args: argparse.Namespace, given: dict[str, Any]
) -> Row:
    """Do the act to one person. Returns the row of the result."""
    row: Row = {"id": id, "tenant": args.tenant, "act": action.command[-1], "done": True}
    desk = service.account_desk
    found = await outcome_of(desk, actor, action.name, args.tenant, id, **given, is_dry=args.dry_run)
    done = found.done
    if done is None:
        return {**row, "done": False, "reason": found.word, "detail": found.detail}
    if done.ticket_ends_at:
        row |= {**ticket_json(done), "new": done.is_new}
    if done.pseudonym:
        row["pseudonym"] = done.pseudonym
    return row


def _line(row: Row, *, is_dry: bool) -> str:
    """Draw a row for people: the id, a tabulator, the result."""
    if not row["done"]:
        return f"{one_line(row['id'])}\tnot done ({row['reason']}): {one_line(row['detail'])}"
    told = row.get("ticket") or row.get("pseudonym") or ("would be done" if is_dry else "done")
    if row.get("mailed_to"):
        told = f"mailed to {row['mailed_to']}"
    if row.get("new"):
        told = f"{told}\tnew: nobody with this id was ever here"
    if row.get("not_sent"):
        told = f"{told}\t{NOT_MAILED} ({row['not_sent']})"
    return f"{one_line(row['id'])}\t{told}"


def _done_before(name: str | None, tenant: str, action: Action) -> set[str]:
    """Read the ids that an earlier run has done.

    Raises ``SettingsError`` for a file that is none of ours.
    """
    if not name or not Path(name).exists():
        return set()
    found: set[str] = set()
    try:
        lines = Path(name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--results {name}: cannot be read ({error})") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            mine = (row["tenant"], row["act"]) == (tenant, action.command[-1])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise SettingsError(f"--results {name}: line {number} is no result of such a command") from error
        if mine and row.get("done"):
            found.add(row["id"])
    return found


def _results(name: str | None, *, is_dry: bool) -> AbstractContextManager[TextIO | None]:
    return _appending(name) if name and not is_dry else nullcontext()


@contextmanager
def _appending(name: str) -> Iterator[TextIO]:
    """Open a file that only its owner reads: it may hold tickets."""
    try:
        place = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise SettingsError(f"--results {name}: cannot be written ({error})") from error
    with os.fdopen(place, "a", encoding="utf-8") as file:
        yield file


async def _side_by_side(ids: Sequence[str], work: Callable[[str], Awaitable[Row]]) -> AsyncIterator[Row]:
    """Yield the results in the order of the ids, while some of the next are under way.

    A result is told before anything further is begun: an interrupted run has told nearly all that it did.
    """
    for start in range(0, len(ids), AT_ONCE):
        for row in await asyncio.gather(*map(work, ids[start : start + AT_ONCE])):
            yield row
