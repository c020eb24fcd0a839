"""The taking of an export's lines.

What stands at a wrong place or is of another kind stops it with its number.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError, StoreContention
from mfa_gate.service.maintenance import restore as module
from mfa_gate.service.maintenance.export_file import ExportReader
from mfa_gate.service.maintenance.restore import Restore, name_of, restore_export
from tests.harness import World

from .test_export_file import KEYS, sealed

END = {"k": "end", "changed": ["beta"]}
TENANT = {"k": "tenant", "t": "alpha", "settings": "", "chart": "", "lines": 0, "pruned": 0, "broken": 0}


def reader(*records: object) -> ExportReader:
    return ExportReader("file", io.BytesIO(sealed(*records)), KEYS)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ((END, TENANT), "file, line 3: stands behind the closing line: take the file as the export wrote it"),
        (({"k": "comet"},), "file, line 2: of a kind that this release does not know: import it with the release that"),
        (({"k": "tenant", "t": "alpha"},), "file, line 2: of a kind that this release does not know"),
        (({"t": "alpha", "i": "ann", "b": "{"},), "file, line 2: "),
        (({"k": "trail", "t": "alpha", "lines": ["{"]},), "file, line 2: "),
        (({"k": "trail", "t": "alpha", "lines": [5]},), "file, line 2: the event is damaged (TypeError)"),
        (({**TENANT, "settings": 5},), "file, line 2: the settings of tenant 'alpha' in the store cannot be read"),
    ],
)
def test_a_file_is_checked_before_anything_is_written(records: tuple[object, ...], told: str) -> None:
    """Every line is read first.

    The first one that cannot be imported is named with its number.
    """
    with pytest.raises(SettingsError) as refused:
        name_of(reader(*records))
    assert str(refused.value).startswith(told)


def test_the_name_of_an_export() -> None:
    """It is its own, or in a file of an older release the digest of its first record."""
    assert name_of(reader(TENANT, END)) == "e1"
    old = [
        ExportReader("file", io.BytesIO(sealed(*records, header=None)), KEYS) for records in ((TENANT, END), (TENANT,))
    ]
    names = [name_of(one) for one in old]
    assert names[0] == names[1]
    assert len(names[0]) == 64


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ((END, TENANT), "stands behind the closing line"),
        (({"k": "comet"},), "of a kind that this release does not know"),
        (({"t": "alpha", "i": "ann", "b": "{"},), "line"),
        (({"k": "trail", "t": "alpha", "lines": ["{"]},), "line"),
    ],
)
async def test_a_file_that_changed_after_the_check_is_refused_as_well(
    world: World, records: tuple[dict[str, Any], ...], told: str
) -> None:
    """Nobody else may write the file meanwhile; if somebody does, the same lines are refused."""
    restore, lines = Restore(world.gate.service, actor="operator:eve", reason="move", name="e1"), reader()
    *before, last = records
    for record in before:
        await restore.take(record, lines)
    with pytest.raises(SettingsError, match=told):
        await restore.take(last, lines)


async def test_a_whole_import(world: World) -> None:
    """The counts, the progress after each line, and the name of the file in the store."""
    seen = list[int]()
    file = io.BytesIO(sealed(TENANT, END))
    tally, lines = await restore_export(
        world.gate.service, file, name="file", actor="operator:eve", reason="move", merge=False, read=seen.append
    )
    assert (tally.imported, tally.kept, tally.lines, tally.settings) == (0, 0, 0, 0)
    assert (tally.is_whole, tally.changed, lines.count, seen) == (True, ["beta"], 3, [2, 3])
    assert await world.store.meta("arrived") == b"e1"
    assert await world.store.meta("arriving") is None


async def test_settings_that_change_all_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many lost races the import says so, and can be run again."""
    tries = list[object]()

    async def lost(settings: object, *_: object) -> bool:
        tries.append(settings)
        return False

    monkeypatch.setattr(world.store, "swap_settings", lost)
    monkeypatch.setattr(module, "MAX_TURNS", 3)
    restore = Restore(world.gate.service, actor="operator:eve", reason="move", name="e1")
    theirs = await world.store.settings("alpha")
    chosen = replace(theirs, factors=("totp",), enabled_at=5)
    with pytest.raises(StoreContention, match="the settings of 'alpha' changed 3 times meanwhile"):
        await restore._settings(chosen)
    assert len(tries) == 3


async def test_an_account_that_came_meanwhile_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account that another process wrote between the look and the write stands.

    It is told as different.
    """
    await world.enrolled("ann")
    account = await world.account("ann")
    other = replace(account, key=SubjectKey("alpha", "bob"), version=0, name="Bob")
    load, first = world.store.load, True

    async def before(key: SubjectKey) -> Any:
        nonlocal first
        found = await load(key)
        if first:
            first = False
            assert await world.store.swap(replace(found, name="Bobby"), ())
        return found

    monkeypatch.setattr(world.store, "load", before)
    restore = Restore(world.gate.service, actor="operator:eve", reason="move", name="e1")
    await restore._account(other)
    assert (restore.tally.imported, restore.tally.kept, restore.tally.differ) == (0, 1, ["alpha/bob"])
    assert (await load(other.key)).name == "Bobby"


async def test_an_import_begins_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark of a half-filled store is set before the first line, and not for each."""
    asked: list[str] = []
    meta = world.store.meta

    async def counted(name: str) -> bytes | None:
        asked.append(name)
        return await meta(name)

    monkeypatch.setattr(world.store, "meta", counted)
    file = io.BytesIO(sealed(TENANT, TENANT, TENANT, END))
    await restore_export(world.gate.service, file, name="f", actor="operator:eve", reason="move", merge=False)
    assert asked.count("arriving") == 2
