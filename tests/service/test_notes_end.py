"""Small values that are needed for some time only leave the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfa_gate import Subject
from mfa_gate.core.model import Caller
from mfa_gate.core.roles import Hand
from mfa_gate.core.rules import DAY
from mfa_gate.errors import SettingsError
from mfa_gate.policyfile import load_policy
from mfa_gate.service.disputes import LIFE as LINK_LIFE
from mfa_gate.service.kept_forms import LIFE as FORM_LIFE
from mfa_gate.service.kept_forms import KeptForms
from mfa_gate.service.notes_end import prune_notes
from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, ORIGIN, World, make_world, running
from tests.service.test_policy_life import HEAD, STRICT, living

APPROVED = "[change]\nlooser = 'approve'\napprovals = 2\n"


def notes(world: World, beginning: str) -> list[str]:
    """List the names of small values in the memory store."""
    store = world.store
    assert isinstance(store, MemoryStore)
    return sorted(name for name in store._ready().meta if name.startswith(beginning))


async def prune(world: World) -> int:
    """Do the hourly work."""
    return await prune_notes(world.engine)


async def test_a_link_of_a_text_message_goes() -> None:
    """A link that works no more leaves no row."""
    async with running(make_world(public_url=ORIGIN)) as world:
        await world.enrolled("ann")
        (event, *_) = world.kinds("factor.enrolled")
        await world.gate.service.disputing.short_url("factor.enrolled", event)
        world.clock.advance(LINK_LIFE - 60)
        await prune(world)
        assert len(notes(world, "short-link:")) == 1
        world.clock.advance(120)
        await prune(world)
        assert notes(world, "short-link:") == []


async def test_a_stopped_form_goes() -> None:
    """A form is removed when it was given out, when its person is gone, and by its time."""
    async with running(make_world()) as world:
        await world.enrolled("ann")
        forms = KeptForms(world.engine)
        caller = Caller(subject=Subject("ann", "alpha"), handle="", network=HOME)
        word = await forms.keep(caller, target="/records", body=b"a=1")
        assert await forms.take(caller, word) == ("/records", (("a", "1"),))
        assert notes(world, "form/") == []
        await forms.keep(caller, target="/records", body=b"a=1")
        assert len(notes(world, "form/")) == 1
        await (await world.gate.person(caller.subject)).end_proofs("left")
        assert notes(world, "form/") == []
        await forms.keep(caller, target="/records", body=b"a=1")
        world.clock.advance(FORM_LIFE)
        assert await prune(world) >= 1
        assert notes(world, "form/") == []


async def test_the_texts_of_policies_that_never_came_into_force_go(tmp_path: Path) -> None:
    """A waiting policy keeps its text, a dropped one for as long as an approval counts."""
    file = tmp_path / "policy.toml"
    file.write_text(STRICT + APPROVED)
    async with living(file) as world:
        await world.enrolled("ann")
        life = world.gate.service.policy_life
        loose = [HEAD + f"[freshness]\nmax_age = '{days}d'\n" + APPROVED for days in (7, 8, 9)]
        for text in loose:
            file.write_text(text)
            with pytest.raises(SettingsError, match="is looser"):
                await world.gate.reload_policy()
        await life.approvals.approve(load_policy(file), Hand("operator:eve"), "tested")
        world.clock.advance(30 * DAY + DAY)
        await prune(world)
        own = f"policy:text:{world.engine.policy.digest}"
        waits = f"policy:text:{load_policy(file).digest}"
        assert notes(world, "policy:text:") == sorted((own, waits))
        assert notes(world, "policy:approvals:") == []
        file.write_text(STRICT + APPROVED)
        await world.gate.reload_policy()
        assert notes(world, "policy:waiting@") == []
        assert notes(world, "policy:text:") == sorted((own, waits))
        world.clock.advance(30 * DAY)
        await prune(world)
        assert notes(world, "policy:text:") == [own]


async def test_a_policy_that_comes_into_force_stays(tmp_path: Path) -> None:
    """An approved policy is kept for good once it was in force."""
    file = tmp_path / "policy.toml"
    once = APPROVED.replace("2", "1")
    file.write_text(STRICT + once)
    async with living(file) as world:
        await world.enrolled("ann")
        file.write_text(HEAD + "[freshness]\nmax_age = '7d'\n" + once)
        await world.gate.service.policy_life.approvals.approve(load_policy(file), Hand("operator:eve"), "tested")
        await world.gate.reload_policy()
        world.clock.advance(300 * DAY)
        await prune(world)
        assert len(notes(world, "policy:text:")) == 2


async def test_a_full_store_is_emptied_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round ends with the first piece that is not full, or after so many.

    Nothing is asked in vain.
    """
    monkeypatch.setattr("mfa_gate.service.notes_end.PIECE", 2)
    monkeypatch.setattr("mfa_gate.service.notes_end.MAX_PIECES", 3)
    async with running(make_world()) as world:
        asked, prune_meta = list[int](), world.store.prune_meta

        async def counted(*, before: int, limit: int) -> int:
            asked.append(limit)
            return await prune_meta(before=before, limit=limit)

        monkeypatch.setattr(world.store, "prune_meta", counted)
        for number in range(9):
            await world.store.put_meta(f"note:{number}", b"x", until=world.engine.now() - 1)
        for gone, pieces in ((6, 3), (3, 2), (0, 1)):
            asked.clear()
            assert (await prune(world), asked) == (gone, [2] * pieces)
