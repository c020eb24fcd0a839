"""Print a report for a review: ``report NAME --tenant T``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator

from ..core.reasons import Refusal
from ..policyfile.faults import nearest
from ..service import Service
from ..service.admin.report_desk import OpenReport
from ..service.admin.reports import REPORTS, Row
from ..web.tables import json_row, report_csv, report_json
from .accounts_list import READER
from .context import DONE, add_parts, running
from .progress import Progress
from .refusals import tell_refusal
from .terminal import one_line

WIDEST = 40


def add_commands(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``report`` to the program's parser, with a command for each report."""
    top = sub.add_parser("report", help="print a report for a review: " + ", ".join(REPORTS))
    names = top.add_subparsers(dest="report_name", required=True, metavar="NAME")
    for report in REPORTS.values():
        command = names.add_parser(report.name, help=report.about)
        add_parts(command)
        command.add_argument("--tenant", required=True)
        command.add_argument("--csv", action="store_true", help="print CSV")
        command.set_defaults(run=running(print_report))


async def print_report(args: argparse.Namespace, service: Service) -> int:
    """Run ``report``. Rows are printed as they are read; a table is as wide as its first rows."""
    found = await service.report_desk.open(READER, args.tenant, args.report_name)
    if isinstance(found, Refusal):
        return tell_refusal(args, found)
    known = {*await service.trail_reader.tenants(), *service.engine.policy.tenants}
    if args.tenant not in known:  # a directory may know its people all the same
        named = f'"{one_line(args.tenant)}"{nearest(args.tenant, sorted(known))}'
        print(f"warning: nobody was ever in a tenant {named}", file=sys.stderr)
    found = OpenReport(found.report, found.tenant, found.at, _counted(found.rows))
    if args.csv or args.json:
        async for piece in report_csv(found) if args.csv else report_json(found):
            sys.stdout.write(piece)
        sys.stdout.write("" if args.csv else "\n")
        return DONE
    await _print_table(found)
    return DONE


async def _print_table(found: OpenReport) -> None:
    columns = found.report.columns
    rows = [[column.name for column in columns]]
    async for row in found.rows:
        values = json_row(columns, row).values()
        rows.append([_text(value) for value in values])
    widths = [min(WIDEST, max(len(row[place]) for row in rows)) for place in range(len(columns))]
    for cells in rows:
        print("  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip())
    if len(rows) == 1:
        print("nothing")


def _text(value: object) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return one_line("-" if value in (None, "") else value)


async def _counted(rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    with Progress("rows") as progress:
        async for row in rows:
            progress.step()
            yield row
