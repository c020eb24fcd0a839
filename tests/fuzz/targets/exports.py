"""Files of an export: sealed lines with any bytes, and any records under a good seal."""

from __future__ import annotations

import asyncio
import io
import json
from functools import cache

from mfa_gate.errors import SettingsError
from mfa_gate.service.maintenance.export import export_store
from mfa_gate.service.maintenance.export_file import PURPOSE as SEAL
from mfa_gate.service.maintenance.export_file import ExportReader, row_of
from mfa_gate.service.maintenance.restore import restore_export
from tests.harness import World, make_world, running

from ..target import Check, Target, told

_runners: list[asyncio.Runner] = []


def close() -> None:
    """Close what was made."""
    while _runners:
        _runners.pop().close()


@cache
def exported() -> tuple[bytes, tuple[dict[str, object], ...]]:
    """Return a sound export, and its records."""

    async def write() -> tuple[bytes, tuple[dict[str, object], ...]]:
        async with running(make_world()) as world:
            await world.enrolled("ann")
            await (await world.enrolled("bob", "beta")).lock()
            import tempfile
            from contextlib import nullcontext

            class Quiet:
                def step(self, count: int = 1) -> None:
                    """Say nothing."""

            with tempfile.TemporaryFile() as file:
                await export_store(world.gate.service, file, name="x", progress=lambda *_: nullcontext(Quiet()))
                file.seek(0)
                whole = file.read()
            reader = ExportReader("x", io.BytesIO(whole), world.engine.keyring)
            records = list(reader)
            return whole, (reader.header, *records)

    return asyncio.run(write())


async def _brought(world: World, whole: bytes) -> None:
    before = set(await world.store.keys())
    try:
        await restore_export(world.gate.service, io.BytesIO(whole), name="x", actor="a", reason="r", merge=True)
    except SettingsError as error:
        told(error)
        assert set(await world.store.keys()) == before, "a file that was refused has brought somebody"


def _made(whole_of: object) -> Check:
    runner = asyncio.Runner()
    _runners.append(runner)

    async def bring(data: bytes) -> None:
        async with running(make_world()) as world:
            await _brought(world, whole_of(world, data))  # type: ignore[operator]

    return lambda data: runner.run(bring(data))


def _sealed() -> Check:
    return _made(lambda _, data: data)


def _opened() -> Check:
    return _made(_resealed)


def _resealed(world: World, data: bytes) -> bytes:
    """Seal each line in its place, as who holds the keys can."""
    header: dict[str, object] = {}
    lines = []
    for number, line in enumerate(data.split(b"\n"), 1):
        row = row_of(header, number)
        lines.append(world.engine.keyring.seal(SEAL, line, row=row, nonce=number.to_bytes(12)).encode())
        if number == 1:
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                found = None
            header = found if isinstance(found, dict) and isinstance(found.get("id"), str) and "export" in found else {}
    return b"\n".join(lines) + b"\n"


def _seeds() -> tuple[bytes, ...]:
    return (exported()[0],)


def _records() -> tuple[bytes, ...]:
    header, *records = exported()[1]
    return tuple(
        b"\n".join(json.dumps(part).encode() for part in (header, *chosen, records[-1]))
        for chosen in (records[:-1], *([record] for record in records[:-1]))
    )


SEALED = Target(
    "sealed-exports",
    "a damaged export is refused with its line, and brings nobody",
    _sealed,
    _seeds,
    quick=20,
    close=close,
)
OPENED = Target(
    "opened-exports",
    "an export of somebody with the keys is taken or refused with its line",
    _opened,
    _records,
    (b'"k":', b'"t":', b'"alpha"', b'"lines":', b"\n"),
    quick=40,
    close=close,
)
