"""An export of a store: which lines it has, in which order, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mfa_gate.core.model import SubjectKey
from mfa_gate.service.maintenance.export import ExportState, export_store
from mfa_gate.service.maintenance.export_file import ExportReader
from tests.harness import START, World, make_world, running


class Progress:
    """The bars that an operator sees: title, whole, and each step."""

    def __init__(self) -> None:
        self.bars: list[tuple[str, int, list[int]]] = []

    @contextmanager
    def __call__(self, title: str, total: int) -> Iterator[Any]:
        """Begin a bar."""
        steps: list[int] = []
        self.bars.append((title, total, steps))

        class Bar:
            def step(self, count: int = 1) -> None:
                steps.append(count)

        yield Bar()


async def exported(world: World, file: Any) -> tuple[list[dict[str, Any]], Progress, list[str]]:
    progress = Progress()
    file.seek(0)
    _, changed = await export_store(world.gate.service, file, name="file", progress=progress)
    file.seek(0)
    return list(ExportReader("file", file, world.engine.keyring)), progress, changed


async def test_the_lines_and_the_progress(tmp_path: Any) -> None:
    """The tenants of store and policy come first, then owed events, people, and the end."""
    async with running(make_world()) as world:
        await world.enrolled("ann")
        await world.enrolled("bob")
        count = len((await world.store.trail("alpha")).items)
        with (tmp_path / "export").open("w+b") as file:
            lines, progress, changed = await exported(world, file)
        kinds = [line["k"] for line in lines]
        assert kinds == ["trail", *["tenant"] * 5, "owed", "account", "account", "end"]
        assert [line["t"] for line in lines if line["k"] == "tenant"] == [
            "alpha",
            "beta",
            "optional",
            "strict",
            "terms",
        ]
        assert [line["i"] for line in lines if line["k"] == "account"] == ["ann", "bob"]
        tenant = lines[1]
        assert {name: tenant[name] for name in ("t", "settings", "chart", "lines", "pruned", "broken")} == {
            "t": "alpha",
            "settings": "",
            "chart": "",
            "lines": count,
            "pruned": 0,
            "broken": 0,
        }
        assert (lines[-1], changed) == ({"k": "end", "changed": []}, [])
        assert progress.bars == [
            ("exporting the audit trail", 0, [0, count]),
            ("exporting accounts", 2, [0, 1, 1]),
        ]


async def test_it_goes_on_behind_the_last_line(tmp_path: Any) -> None:
    """Lines of the file count as done, and a tenant that changed meanwhile is named."""
    async with running(make_world()) as world:
        await world.enrolled("ann")
        await world.enrolled("bob")
        path = tmp_path / "export"
        with path.open("w+b") as file:
            whole, first, _ = await exported(world, file)
        total = first.bars[0][2][1]
        kept = path.read_bytes().splitlines(keepends=True)[
            : 1 + whole.index(next(w for w in whole if w["k"] == "account")) + 1
        ]
        path.write_bytes(b"".join(kept))
        await world.engine.record((world.engine.moment().event("attempt.failed", SubjectKey("alpha", "ann")),))
        with path.open("r+b") as file:
            again, progress, changed = await exported(world, file)
        assert [line["k"] for line in again] == [line["k"] for line in whole]
        assert progress.bars == [
            ("exporting the audit trail", 0, [total]),
            ("exporting accounts", 2, [1, 1]),
        ]
        assert changed == again[-1]["changed"] == ["alpha"]


async def test_a_broken_trail_is_named_by_its_line(tmp_path: Any) -> None:
    """Lines that went without a leave are missing from the first one on."""
    async with running(make_world()) as world:
        for number in range(3):
            event = world.engine.moment().event("attempt.failed", SubjectKey("alpha", "ann"))
            await world.store.append(world.engine.chained([replace(event, at=START + number)]))
        assert await world.store.prune("alpha", before=START + 2, now=START + 9) == 2
        with (tmp_path / "export").open("w+b") as file:
            lines, _, _ = await exported(world, file)
        (tenant,) = [line for line in lines if line["k"] == "tenant" and line["t"] == "alpha"]
        assert (tenant["broken"], tenant["pruned"], tenant["lines"]) == (1, 2, 1)
        state = ExportState()
        for line in lines:
            state.note(line)
        assert (state.broken, state.is_whole, state.is_owed) == ({"alpha": 1}, True, True)
