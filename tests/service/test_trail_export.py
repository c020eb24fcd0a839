"""An export proves what it says to somebody who has the verification key alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from mfa_gate.cli.audit.export import _document
from mfa_gate.core.events import Event
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.trail import digest_of
from mfa_gate.core.trail_search import search_of
from mfa_gate.service import trail_export
from mfa_gate.service.export_verification import ExportCheck, Proven, WrongExport
from mfa_gate.service.trail_export import Line, Tally
from mfa_gate.service.trail_heads import Head, key_from_text, key_to_text
from mfa_gate.storage import ChainPoint
from mfa_gate.web.api.admin import event_json, head_json
from tests.harness import START, World, make_world, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world()) as made:
        await made.gate.service.engine.record(
            [
                Event(
                    id=f"e{n}",
                    kind="attempt.failed",
                    at=START + n,
                    tenant="alpha",
                    account=f"user{n // 250}",
                    reason="ä\u2028" if n == 3 else "",
                )
                for n in range(900)
            ]
        )
        yield made


async def exported(world: World, **words: str) -> list[str]:
    tally, service = Tally(), world.gate.service
    parts = [part async for part in service.trail_reader.export("alpha", search_of(words), tally)]
    assert (tally.wrong, tally.given) == (0, sum(isinstance(part, Line) and part.event is not None for part in parts))
    assert tally.given > 0
    return [json.dumps(_document(part, service)) for part in parts]


def auditor(world: World) -> Callable[[str], bytes]:
    """Somebody who holds the words of ``keys verify-key``, and nothing else."""
    keys = world.gate.service.engine.trail_keys
    known = dict([key_from_text(key_to_text(keys.newest, keys.verify_key()))])
    return lambda id: known.get(id, b"")


def check(world: World, lines: list[str], expected: tuple[Head, ...] = ()) -> Proven:
    (found,) = ExportCheck(auditor(world), event_json, head_json, expected).run(lines)
    return found


async def test_a_whole_export(world: World) -> None:
    """Every line has its number and its digest, and a signed head stands behind the last."""
    lines = await exported(world)
    found = check(world, ["", *lines[:3], " ", *lines[3:], ""])
    assert (found.tenant, found.first, found.last, found.readable, found.left_out) == ("alpha", 1, 900, 900, [])
    assert (found.at, dict(found.words)) == (world.engine.now(), {})
    assert [json.loads(line)["lines"] for line in heads(lines)] == [0, 200, 400, 600, 800, 900]
    numbers = [json.loads(line)["seq"] for line in lines if "seq" in json.loads(line)]
    assert numbers == list(range(1, 901))


async def test_a_search_is_exported_with_its_place_among_the_others(world: World) -> None:
    """Lines that were not asked for stand as digests, so nobody can say that one was left out."""
    found = check(world, lines := await exported(world, account="user1"))
    assert (found.readable, dict(found.words)) == (250, {"account": "user1"})
    assert found.left_out == [(1, 200), (601, 800)]
    assert not any("user0" in line or "user3" in line for line in lines)
    assert any("user1" in line for line in lines)


def record(lines: list[str], number: int) -> int:
    return next(at for at, line in enumerate(lines) if json.loads(line).get("seq") == number)


def edited(lines: list[str], number: int, **parts: object) -> list[str]:
    at = record(lines, number)
    return [*lines[:at], json.dumps({**json.loads(lines[at]), **parts}), *lines[at + 1 :]]


def forged_text(lines: list[str], number: int) -> list[str]:
    known = json.loads(lines[record(lines, number)])
    text = known["line"].replace("attempt.failed", "proof.granted")
    return edited(lines, number, line=text, kind="proof.granted")


ALTERED: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a member": (lambda lines: edited(lines, 5, actor="eve"), "trail line 5"),
    "the text and the member": (lambda lines: forged_text(lines, 405), "trail lines 401 to 600"),
    "a digest": (lambda lines: edited(lines, 5, digest="f" * 64), "trail lines 1 to 200"),
    "a number": (lambda lines: edited(lines, 5, seq=6), "trail line 5"),
    "a line is gone": (lambda lines: [*lines[:50], *lines[51:]], "trail line 50"),
    "a line is doubled": (lambda lines: [*lines[:50], lines[49], *lines[50:]], "trail line 50"),
    "the end is gone": (lambda lines: lines[:-10], "nothing is signed behind trail line 800"),
    "the end is gone at a head": (lambda lines: lines[: lines.index(heads(lines)[-1])], "trail line 800"),
    "the beginning is gone": (lambda lines: lines[1:], "no signed head"),
    "the first block is gone": (lambda lines: lines[lines.index(heads(lines)[1]) :], "beginning of the trail"),
    "a block in the middle is gone": (
        lambda lines: [*lines[: record(lines, 201)], *lines[record(lines, 400) + 2 :]],
        "trail line 201",
    ),
    "a block and its lines are gone": (
        lambda lines: [*lines[: record(lines, 201)], *lines[record(lines, 400) + 1 :]],
        "trail lines 201 to 400",
    ),
    "the head says more": (
        lambda lines: [lines[0].replace('"lines": 0', '"lines": 1'), *lines[1:]],
        "says something else",
    ),
    "a line without a text or a digest": (
        lambda lines: edited(lines, 405, line=None, sha256=7),
        "line 408 of the file: trail line 405 has neither a text nor a digest",
    ),
    "the head says another time": (
        lambda lines: [json.dumps({**json.loads(lines[0]), "signed_at": "2020-01-01T00:00:00Z"}), *lines[1:]],
        "line 1 of the file: the head says something else",
    ),
    "a head with more": (
        lambda lines: [json.dumps({**json.loads(lines[0]), "line": "{}"}), *lines[1:]],
        "line 1 of the file: the head says something else",
    ),
    "a shortened line with more": (
        lambda lines: edited(lines, 5, line=None, sha256=digest_of(json.loads(lines[record(lines, 5)])["line"])),
        "line 6 of the file: trail line 5 has no text that would prove these members: account, actor, ",
    ),
    "a member twice": (
        lambda lines: [*lines[:5], lines[5].replace('"actor":', '"actor": "eve", "actor":', 1), *lines[6:]],
        "line 6 of the file: it has a member twice",
    ),
    "a member of the detail twice": (
        lambda lines: [
            *lines[:5],
            lines[5].replace('"detail": {', '"detail": {"a": 1, "a": 1}, "x": {', 1),
            *lines[6:],
        ],
        "line 6 of the file: it has a member twice",
    ),
    "a line that is no record": (lambda lines: [*lines[:9], "[]", *lines[10:]], "line 10 of the file is no record"),
    "half a character": (
        lambda lines: [*lines[:5], json.dumps({"seq": 5, "sha256": "a", "digest": "\ud800"}), *lines[6:]],
        "line 6 of the file holds half a character",
    ),
    "another export of the trail behind it": (lambda lines: [*lines, *lines], "this head is of another export"),
    "it is no JSON": (lambda lines: [*lines[:9], "{", *lines[10:]], "line 10 of the file"),
    "it is empty": (lambda lines: [], "no signed head"),
}


def heads(lines: list[str]) -> list[str]:
    return [line for line in lines if "head" in json.loads(line)]


async def test_an_altered_export(world: World) -> None:
    """Every change is found, with the place: the line, or the span between two signed heads."""
    whole = await exported(world)
    for alter, place in ALTERED.values():
        with pytest.raises(WrongExport, match=place):
            check(world, alter(list(whole)))


async def test_a_head_that_was_kept_elsewhere(world: World) -> None:
    """An auditor's earlier head must stand in the export; one of another history does not."""
    service = world.gate.service
    word = await service.trail_reader.head("alpha")
    await service.engine.record([Event(id="late", kind="account.locked", at=START, tenant="alpha", account="ann")])
    head = service.trail_reader.read_head(word)
    lines = await exported(world)
    assert check(world, lines, (head,)).last == 901
    from dataclasses import replace

    with pytest.raises(WrongExport, match="expected head"):
        check(world, lines, (replace(head, digest="f" * 64),))
    with pytest.raises(WrongExport, match="expected head"):
        check(world, lines, (replace(head, lines=5_000),))


async def test_nothing_is_signed_behind_an_altered_line(world: World) -> None:
    """The gate does not vouch for what somebody wrote into the store."""
    from .test_trail_keys import alter

    await world.store.append([Event(id="x", kind="k", at=START, tenant="alpha", account="ann")])
    await alter(world.store, 900)
    tally = Tally()
    parts = [p async for p in world.gate.service.trail_reader.export("alpha", search_of({}), tally)]
    assert tally.wrong == 901
    lines = [json.dumps(_document(part, world.gate.service)) for part in parts]
    with pytest.raises(WrongExport, match="nothing is signed behind trail line 800"):
        check(world, lines)


@pytest.mark.parametrize(("lines", "wrong"), [(3, 0), (4, 4), (9, 4)])
async def test_an_export_of_a_trail_whose_end_is_gone(monkeypatch: pytest.MonkeyPatch, lines: int, wrong: int) -> None:
    """The first line that is missing is told, and the lines before it are given."""
    async with running(make_world()) as world:
        for _ in range(3):
            await world.engine.record([world.engine.moment().event("attempt.failed", SubjectKey("alpha", "ann"))])
        head = await world.store.head("alpha")

        async def further(tenant: str, /) -> ChainPoint:
            return replace(head, lines=lines)

        monkeypatch.setattr(world.store, "head", further)
        tally = Tally()
        parts = [part async for part in trail_export.exported(world.engine, "alpha", search_of({}), tally)]
        assert len([part for part in parts if isinstance(part, Line)]) == 3
        assert tally.wrong == wrong
