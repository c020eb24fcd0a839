"""Follow the audit trail: ``audit follow``, for a log shipper or fail2ban."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from ...core.events import Event
from ...core.trail_search import Search
from ...errors import StoreUnavailable
from ...service import Service
from ..context import DONE
from ..terminal import plain_lines
from .cursors import Cursors, Output, begin, write_batch
from .formats import FORMATS
from .search import search_from, text_of

EVERY = 1.0


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``audit follow``."""
    place = command.add_mutually_exclusive_group()
    place.add_argument("--after", default="", metavar="REF", help="begin behind the line with this reference")
    place.add_argument(
        "--state",
        default="",
        metavar="FILE",
        help="keep the place of each tenant in this file: the first start prints the whole trail, the next ones go on",
    )
    command.add_argument("--format", choices=("text", *FORMATS), default="", help="text is the default")


async def follow(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit follow``: print every new event until the command is stopped."""
    search, trail = search_from(args, service), service.trail_reader
    name = args.format or ("json" if args.json else "text")
    cursors = Cursors(args.state)
    await begin(trail, await _tenants(args, service), cursors, after=args.after, keeps=bool(args.state))
    output, stop = Output(sys.stdout.fileno()), _stop_on_signals()
    print("following the trail; stop with Ctrl-C", file=sys.stderr, flush=True)
    is_away = False
    while not stop.is_set():
        try:
            grew = await _round(args, service, search, name, cursors, output, stop)
            is_away = False
        except StoreUnavailable as error:
            if not is_away:
                print(f"waiting for the store: {plain_lines(str(error))}", file=sys.stderr, flush=True)
            is_away, grew = True, False
        if not grew:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY)
    return DONE


async def _round(
    args: argparse.Namespace,
    service: Service,
    search: Search,
    name: str,
    cursors: Cursors,
    output: Output,
    stop: asyncio.Event,
) -> bool:
    """Print a page of each tenant. Returns True if one of them may have more."""
    tenants, grew = await _tenants(args, service), False
    for tenant in sorted(tenants, key=lambda known: known != cursors.batch):  # a batch that was begun comes first
        if stop.is_set():
            break
        page = await service.trail_reader.page(tenant, cursors.places.get(tenant, ""))
        lines = [_line(event, name) for event in page.items if search.fits(event)]
        if page.items:
            write_batch(lines, tenant, page.next, cursors, output)
            grew = True
    if grew:
        cursors.sync()
    return grew


async def _tenants(args: argparse.Namespace, service: Service) -> tuple[str, ...]:
    return (args.tenant,) if args.tenant else await service.trail_reader.tenants()


def _line(event: Event, name: str) -> bytes:
    text = plain_lines(text_of(event)) if name == "text" else FORMATS[name](event)
    return (text + "\n").encode("utf-8", "backslashreplace")


def _stop_on_signals() -> asyncio.Event:
    """Make an event that is set by Ctrl-C or a termination.

    The line under way is finished first.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
    return stop
