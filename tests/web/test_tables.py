"""Tables for spreadsheets and programs: cells of each kind, and pieces that join."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate.service import Actor
from mfa_gate.service.admin.reports import REPORTS
from mfa_gate.web import tables
from tests.harness import World, make_world, running
from tests.service.admin.people import REVIEWED, directory, fill


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An organization with people in every state."""
    async with running(make_world(policy=REVIEWED, directory=directory)) as made:
        await fill(made)
        yield made


def test_a_cell_of_each_kind() -> None:
    """A cell is a word, a number, yes or no, or empty; never a formula."""
    row = [None, True, False, 0, 3, ["a", "b"], [], "", "=1+1", "@x", "a,b", "plain"]
    (cells,) = csv.reader(io.StringIO(tables.csv_lines([row])))
    assert cells == ["", "yes", "no", "0", "3", "a b", "", "", "'=1+1", "'@x", "a,b", "plain"]


@pytest.mark.parametrize("size", [1, 2, 200])
async def test_pieces_join(world: World, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """A report is one table and one JSON document, in however many pieces it goes out."""
    monkeypatch.setattr(tables, "AT_ONCE", size)
    desk = world.gate.service.report_desk

    async def opened(name: str) -> Any:
        return await desk.open(Actor(name="operator:eve"), "alpha", name)

    for name, report in REPORTS.items():
        count = len([row async for row in (await opened(name)).rows])
        table = "".join([piece async for piece in tables.report_csv(await opened(name))])
        head, *rows = csv.reader(io.StringIO(table))
        assert head == [column.name for column in report.columns]
        assert len(rows) == count, name
        pieces = [piece async for piece in tables.report_json(await opened(name))]
        assert len(pieces) == 2 + count // size, "no piece has more lines than one has"
        document = json.loads("".join(pieces))
        assert document["name"] == name
        assert len(document["rows"]) == count
