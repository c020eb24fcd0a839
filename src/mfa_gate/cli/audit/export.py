"""Export the audit trail: ``audit export``."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable
from typing import TextIO

from ...core.text_safety import no_formula
from ...core.trail import digest_of
from ...service import Service
from ...service.trail_export import Line, Mark, Tally
from ...web.api.admin import event_json, head_json
from ..context import DONE, NO
from ..progress import Progress
from ..terminal import json_text, one_line
from .search import search_from

COLUMNS = (
    "at", "kind", "tenant", "account", "actor", "app", "factor", "network", "reason", "ticket", "ref", "policy",
    "address", "browser", "agent", "session", "request", "ms", "detail", "seq", "digest",
)  # fmt: skip


async def export(args: argparse.Namespace, service: Service) -> int:
    """Run ``audit export``: a line at a time.

    Exit 1 where a trail is broken: from there on nothing is signed.
    """
    search = search_from(args, service)
    tenants = (args.tenant,) if args.tenant else await service.trail_reader.tenants()
    put = _as_json(service) if args.format == "jsonl" else _as_csv(sys.stdout)
    wrong = dict[str, int]()
    with Progress("exporting the audit trail") as progress:
        for tenant in tenants:
            tally = Tally()
            async for part in service.trail_reader.export(tenant, search, tally):
                put(part)
                progress.step()
            if tally.wrong:
                wrong[tenant] = tally.wrong
    for tenant, line in wrong.items():
        print(f"{one_line(tenant)}: broken at line {line}; nothing is signed from there on", file=sys.stderr)
    return NO if wrong else DONE


def _as_json(service: Service) -> Callable[[Line | Mark], None]:
    def put(part: Line | Mark) -> None:
        print(json_text(_document(part, service)))

    return put


def _document(part: Line | Mark, service: Service) -> dict[str, object]:
    if isinstance(part, Line):
        if part.event is None:
            return {"seq": part.number, "digest": part.digest, "sha256": digest_of(part.text)}
        return {**event_json(part.event), "seq": part.number, "digest": part.digest, "line": part.text}
    return head_json(part.word, service.trail_reader.read_head(part.word))


def _as_csv(file: TextIO) -> Callable[[Line | Mark], None]:
    """Write the lines as CSV, for a spreadsheet. Signed heads stand in the JSON lines alone."""
    writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
    writer.writeheader()

    def put(part: Line | Mark) -> None:
        if isinstance(part, Mark):
            return
        if part.event is not None:
            document = {**event_json(part.event), "seq": part.number, "digest": part.digest}
            document["detail"] = json.dumps(document["detail"], sort_keys=True) if document["detail"] else ""
            writer.writerow({name: _cell(document[name]) for name in COLUMNS})

    return put


def _cell(value: object) -> str:
    """Write a cell that no spreadsheet takes for a formula, also behind a line end or a blank."""
    return no_formula(one_line(value))
