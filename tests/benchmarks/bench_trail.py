"""The cost of the keyed trail: lines, verification and export.

``python -m tests.benchmarks.bench_trail [LINES]`` prints a table.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from mfa_gate.cli.audit.export import _document
from mfa_gate.core.events import Event
from mfa_gate.core.trail import chain, event_to_json, keyed, link_digest
from mfa_gate.core.trail_search import search_of
from mfa_gate.service.trail_export import Tally
from tests.harness import START, make_world, running


def sample(number: int) -> Event:
    return Event(
        id=f"REF{number:07}",
        kind="attempt.failed",
        at=START + number,
        tenant="alpha",
        account=f"user{number % 500}",
        actor=f"user{number % 500}",
        network="192.0.2.9",
        address="192.0.2.9",
        browser="abcdefghij",
        agent="Firefox on Linux",
        factor="totp",
        reason="wrong_code",
        detail={"left": 3},
    )


def one_line() -> None:
    """Print the time for a line with and without a key."""
    event, rounds = sample(1), 20_000
    began = time.perf_counter()
    for _ in range(rounds):
        chain("d" * 64, link_digest(event_to_json(event)))
    plain = (time.perf_counter() - began) / rounds
    began = time.perf_counter()
    for _ in range(rounds):
        keyed(event, "abcd", b"k" * 32)
    with_key = (time.perf_counter() - began) / rounds
    print(f"a line without a key {plain * 1e6:.1f} us, with a key {with_key * 1e6:.1f} us")


async def whole(lines: int) -> None:
    """Print the time and the memory of verifying and exporting a trail."""
    with tempfile.TemporaryDirectory() as folder:
        async with running(make_world(on_event=None, store=f"sqlite:///{Path(folder) / 'mfa.db'}")) as world:
            service = world.gate.service
            for start in range(0, lines, 100):
                await service.engine.record([sample(n) for n in range(start, start + 100)])
            began = time.perf_counter()
            await service.trail_signer.flush()
            print(f"sign the head of {lines} new lines: {time.perf_counter() - began:.2f} s")
            began = time.perf_counter()
            await service.engine.record([sample(lines)])
            await service.trail_signer.flush()
            print(f"sign the head after one more line: {(time.perf_counter() - began) * 1e3:.1f} ms")
            began = time.perf_counter()
            assert (await service.retention.verify()).is_whole
            print(f"verify {lines} lines: {time.perf_counter() - began:.2f} s")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began, size = time.perf_counter(), 0
            async for part in service.trail_reader.export("alpha", search_of({}), Tally()):
                size += len(str(_document(part, service)))
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(
                f"export {lines} lines, {size / 1e6:.0f} MB: {time.perf_counter() - began:.2f} s, {grown / 1024:.0f} MB more"
            )
            began = time.perf_counter()
            from mfa_gate.service.admin.trail import search_trail

            await search_trail(world.store, "alpha", search_of({"address": "198.51.100.1"}), after="", limit=50)
            print(f"a search that looks at 20000 lines: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    one_line()
    asyncio.run(whole(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
