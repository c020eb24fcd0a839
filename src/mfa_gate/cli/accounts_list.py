"""List the people of a tenant: ``accounts list``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator

from ..core.people_search import CHOICES, SORTS, WORDS, PeopleSearch
from ..core.person_line import PersonLine
from ..core.reasons import Refusal
from ..core.trail_search import BadFilter
from ..errors import SettingsError
from ..service import Actor, Service
from ..service.admin.people_order import order_of
from ..web.tables import people_csv, person_json
from .context import DONE
from .progress import Progress
from .refusals import tell_refusal
from .terminal import json_text, one_line

READER = Actor(name="operator")
"""The operator, who reads every tenant."""
LINE = "{id:40} {status:13} {factors:30} {name}"


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add an option for each filter, the order, and the form of the answer."""
    for word, meaning in WORDS.items():
        options = [f"--{word.replace('_', '-')}", *(["--query"] if word == "q" else [])]
        parser.add_argument(
            *options, default="", dest=f"word_{word}", metavar="X", choices=CHOICES.get(word), help=f"only {meaning}"
        )
    parser.add_argument("--sort", choices=SORTS, default="id", help="the order; a hyphen turns it round")
    parser.add_argument("--csv", action="store_true", help="print CSV, with all columns")


async def list_accounts(args: argparse.Namespace, service: Service) -> int:
    """Run ``accounts list``. The people are printed as they are read, unless they are sorted."""
    found = await service.reviews.stream(READER, args.tenant, _search(args, service))
    if isinstance(found, Refusal):
        return tell_refusal(args, found)
    lines = _counted(found if args.sort == "id" else _sorted(found, args.sort))
    if args.csv:
        async for piece in people_csv(lines):
            sys.stdout.write(piece)
    elif args.json:
        await _print_json(lines)
    else:
        count = 0
        async for line in lines:
            count += 1
            print(LINE.format(**_plain(line)).rstrip())
        if not count:
            print("nobody")
    return DONE


def _search(args: argparse.Namespace, service: Service) -> PeopleSearch:
    try:
        return service.reviews.search_of({word: getattr(args, f"word_{word}") for word in WORDS})
    except BadFilter as error:
        raise SettingsError(f"--{error.name.replace('_', '-')}: {error.text}") from error


async def _sorted(lines: AsyncIterator[PersonLine], sort: str) -> AsyncIterator[PersonLine]:
    order, found = order_of(sort), [line async for line in lines]
    for line in order.first(found, len(found)):
        yield line


async def _counted(lines: AsyncIterator[PersonLine]) -> AsyncIterator[PersonLine]:
    with Progress("people") as progress:
        async for line in lines:
            progress.step()
            yield line


async def _print_json(lines: AsyncIterator[PersonLine]) -> None:
    sys.stdout.write('{"accounts": [')
    between = ""
    async for line in lines:
        sys.stdout.write(between + json_text(person_json(line)))
        between = ", "
    sys.stdout.write("]}\n")


def _plain(line: PersonLine) -> dict[str, str]:
    factors = ", ".join(line.factors) or "-"
    return {"id": one_line(line.id), "status": line.status, "factors": factors, "name": one_line(line.name)}
