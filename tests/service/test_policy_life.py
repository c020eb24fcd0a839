"""A policy comes into force whole and with a trace, or the one before stays."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.policyfile.tools.diff import Difference
from mfa_gate.service.forgotten_tenants import told_forgotten
from mfa_gate.service.policy_archive import Entry, PolicyArchive
from mfa_gate.service.policy_life import ELSEWHERE, PolicyLife, _shortened, _told_to, told
from mfa_gate.stores.memory import MemoryStore
from tests.harness import FixedClock, World, make_world, running

HEAD = """version = 1
name = "lived"
owner = "security@example.org"
[factors]
allowed = ["totp", "email", "backup-code"]
[enrollment]
first = "open"
"""
STRICT = HEAD + "[freshness]\nmax_age = '1d'\n"
LOOSE = HEAD + "[freshness]\nmax_age = '7d'\n"
APPROVED = "[change]\nlooser = 'approve'\napprovals = 2\n"


@asynccontextmanager
async def living(path: Path, store: MemoryStore | None = None, **more: Any) -> AsyncIterator[World]:
    """A gate over the policy file, with one person in the trail."""
    world = make_world(policy=path, store=store or MemoryStore(), **more)  # type: ignore[arg-type]
    async with running(world):
        await world.gate.web.open()
        yield world


@pytest.fixture(autouse=True)
def terminal() -> Iterator[None]:
    """A terminal's hang-up ends the process, also where ``nohup`` started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(STRICT)
    return path


async def trail_of(world: World, kind: str) -> list[Any]:
    return list((await world.store.events("alpha", kind=kind)).items)


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for what a background task brings about, a few seconds at most."""
    async with asyncio.timeout(5):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


async def test_a_reload_is_in_force_and_leaves_a_trace(file: Path) -> None:
    """P-9: name, digest, author, number of differences, and the looser ones by name."""
    async with living(file) as world:
        await world.enrolled("ann")
        file.write_text(LOOSE)
        done = await world.gate.reload_policy()
        assert (done.changed, done.differences) == (True, 1)
        assert world.gate.policy.base.freshness.max_age == 7 * 86_400
        (loaded,) = await trail_of(world, "policy.loaded")
        assert loaded.detail["name"] == "lived"
        assert loaded.detail["digest"] == done.digest[:12]
        assert (loaded.detail["by"], loaded.detail["differences"], loaded.detail["looser"]) == ("application", 1, 1)
        (loosened,) = await trail_of(world, "policy.loosened")
        assert loosened.detail["changes"] == "freshness.max_age: 1d -> 7d"
        await world.engine.effects.idle()
        (mail,) = [m for m in world.email.messages if m.to == "security@example.org"]
        assert "1d -> 7d" in mail.text
        assert (await world.gate.reload_policy()).changed is False
        assert len(await trail_of(world, "policy.loaded")) == 1


async def test_each_trail_has_the_changes_of_its_own(file: Path) -> None:
    """A trail names the file's changes and its tenant's.

    The result and the owner's mail have all of them.
    """
    beta = "[tenants.beta]\nfreshness.max_age = '{}'\n[tenants.alpha]\nfactors.allowed = ['totp']\n"
    file.write_text(STRICT + beta.format("1d") + "freshness.max_age = '1d'\n")
    async with living(file) as world:
        for id, tenant in (("ann", "alpha"), ("zoe", "beta")):
            await world.browser(id, tenant)
            moment = world.engine.moment()
            await world.engine.record((moment.event("attempt.failed", SubjectKey(tenant, id)),))
        file.write_text(STRICT + beta.format("3d") + "freshness.max_age = '2d'\n")
        done = await world.gate.reload_policy()
        assert sorted(done.looser) == [
            "alpha: freshness.max_age: 1d -> 2d",
            "beta: freshness.max_age: 1d -> 3d",
        ]
        assert (done.digest, done.changed, done.differences) == (world.gate.policy.digest, True, 2)
        for tenant, change in (("alpha", "1d -> 2d"), ("beta", "1d -> 3d")):
            for kind in ("policy.loaded", "policy.loosened"):
                (event,) = (await world.store.events(tenant, kind=kind)).items
                assert (event.account, event.actor, event.reason) == ("", "mfa_gate", "")
                assert event.detail == {
                    "name": "lived",
                    "digest": done.digest[:12],
                    "by": "application",
                    "differences": 2,
                    "looser": 2,
                    "changes": f"{tenant}: freshness.max_age: {change}",
                }
        await world.engine.effects.idle()
        (mail,) = [m for m in world.email.messages if m.to == "security@example.org"]
        assert "1d -> 2d" in mail.text
        assert "1d -> 3d" in mail.text
        (kept,) = [entry for entry in await PolicyArchive(world.store).history() if entry.by == "application"]
        assert (kept.looser, kept.differences, kept.name) == (done.looser, 2, "lived")


async def test_a_refused_policy_is_told_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the first fault, their number and what asked for it; the watch does not repeat it."""
    async with living(file) as world:
        await world.enrolled("ann")
        file.write_text(HEAD + "mode = 'on'\n[freshness]\nmax_age = 7\n")
        for _ in range(2):
            with pytest.raises(SettingsError) as refused:
                await world.gate.service.policy_life.reload("signal")
        (event,) = await trail_of(world, "policy.refused")
        assert (event.actor, event.reason) == ("mfa_gate", "faults")
        assert event.detail == {
            "by": "signal",
            "faults": len(refused.value.faults),
            "first": refused.value.faults[0][:300],
        }
        assert caplog.text.count("the policy was not loaded (signal)") == 1
        file.write_text(HEAD + "mode = 'off'\n")
        with pytest.raises(SettingsError):
            await world.gate.service.policy_life.reload("file changed")
        assert len(await trail_of(world, "policy.refused")) == 2


def test_many_changes_are_shortened() -> None:
    """Ten are named and the rest is counted; no line is longer than a thousand characters."""
    assert _shortened(("a", "b")) == "a; b"
    ten = tuple(f"c{n}" for n in range(10))
    assert _shortened(ten) == "; ".join(ten)
    assert _shortened((*ten, "d")) == "; ".join(ten) + "; and 1 more"
    assert _shortened(("x" * 1_100,)) == "x" * 1_000
    assert told(Difference(tenant="", path="mode", old="", new="b", change="looser")) == "mode: - -> b"
    assert told(Difference(tenant="t", path="mode", old="a", new="", change="looser")) == "t: mode: a -> -"


def test_many_forgotten_tenants_are_counted() -> None:
    """So many are named, and the rest is counted."""
    named = tuple(f"t{n}" for n in range(20))
    assert "more" not in told_forgotten(named)
    assert all(f'"{name}"' in told_forgotten(named) for name in named)
    assert f'"{named[-1]}" and 1 more, whom' in told_forgotten((*named, "last"))


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ("policy: mode: no", True),
        ("policy: tenants.alpha.mode: no", True),
        ("policy: tenants.beta.mode: no", False),
        ('policy: tenants."gamma".mode: no', False),
        ("policy: mode: as for beta", False),
        ("policy: alphabeta", True),
        ("x" * 400, True),
    ],
)
def test_a_fault_that_names_another_tenant_is_not_shown(fault: str, shown: bool) -> None:
    """It stands in no trail but its own, also where no policy knows that tenant yet."""
    found = _told_to("alpha", fault, frozenset({"alpha", "beta", ""}))
    assert found == (fault[:300] if shown else ELSEWHERE)


async def test_a_stricter_policy_tells_nobody(file: Path) -> None:
    """A change that only tightens is recorded, and no owner is told."""
    file.write_text(LOOSE)
    async with living(file) as world:
        await world.enrolled("ann")
        file.write_text(STRICT)
        assert (await world.gate.reload_policy()).looser == ()
        assert await trail_of(world, "policy.loosened") == []
        assert len(await trail_of(world, "policy.loaded")) == 1


@pytest.mark.parametrize(
    "text", ["version = 1\nname =", "version = 1\nname = 'x'\nmode = 'on'\n", HEAD.replace('"email"', '"voice"'), ""]
)
async def test_a_fault_leaves_the_policy_before_in_force(file: Path, text: str) -> None:
    """Half a file, or a factor without its sender, changes nothing, and is told."""
    async with living(file) as world:
        await world.enrolled("ann")
        before = world.gate.policy
        file.write_text(text)
        with pytest.raises(SettingsError):
            await world.gate.reload_policy()
        assert world.gate.policy is before
        (refused,) = await trail_of(world, "policy.refused")
        assert refused.detail["first"]
        assert (await (await world.browser("bob")).page("/records")).status == 303


async def test_the_text_is_kept_by_digest(file: Path) -> None:
    """The text of each policy, and the one in force at any time, can be looked up."""
    store, clock = MemoryStore(), FixedClock()
    async with living(file, store, clock=clock) as world:
        first, start = world.gate.policy.digest, int(clock.now())
        clock.advance(3600)
        file.write_text(LOOSE)
        second = (await world.gate.reload_policy()).digest
        archive = PolicyArchive(store)
        assert [entry.digest for entry in await archive.history()] == [first, second]
        assert [entry.digest for entry in await archive.in_force_at(start + 60)] == [first]
        assert [entry.digest for entry in await archive.in_force_at(start + 7200)] == [second]
        assert await archive.in_force_at(start - 1) == ()
        kept = await archive.text_of(await archive.find(first[:8]))
        assert kept is not None
        assert kept.text == STRICT


async def test_a_start_with_a_looser_file_is_seen(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A restart with another file leaves the same trace as a reload."""
    store = MemoryStore()
    async with living(file, store) as world:
        await world.enrolled("ann")
    file.write_text("mode = 'report-only'\n" + STRICT)
    async with living(file, store) as world:
        (loosened,) = await trail_of(world, "policy.loosened")
        assert loosened.detail["by"] == "start"
        assert "mode" in str(loosened.detail["changes"])
    async with living(file, store) as world:
        assert len(await trail_of(world, "policy.loaded")) == 1
    assert "are refused: the policy is closed" not in caplog.text


async def test_a_looser_policy_waits_for_two_people(file: Path) -> None:
    """The policy in force says how many approve, and nobody counts twice.

    The new file cannot ask for fewer.
    """
    from mfa_gate.core.roles import Hand
    from mfa_gate.policyfile import load_policy

    file.write_text(STRICT + APPROVED)
    store = MemoryStore()
    async with living(file, store) as world:
        await world.enrolled("ann")
        file.write_text(LOOSE)
        wanted = load_policy(file)
        approvals = world.gate.service.policy_life.approvals
        with pytest.raises(SettingsError, match="0 of 2 approvals"):
            await world.gate.reload_policy()
        await approvals.approve(wanted, Hand("operator:eve"), "tested")
        with pytest.raises(ValueError, match="approved this policy before"):
            await approvals.approve(wanted, Hand("operator:EVE "), "again")
        with pytest.raises(SettingsError, match="1 of 2 approvals"):
            await world.gate.reload_policy()
    # A start with the file is refused as well.
    with pytest.raises(SettingsError, match="1 of 2 approvals"):
        async with living(file, store):
            pass
    file.write_text(STRICT + APPROVED)
    async with living(file, store) as world:
        await world.gate.service.policy_life.approvals.approve(wanted, Hand("operator:adam"), "tested, too")
        file.write_text(LOOSE)
        assert (await world.gate.reload_policy()).looser
        assert len(await trail_of(world, "policy.approved")) == 2
        assert world.gate.policy.base.freshness.max_age == 7 * 86_400


@asynccontextmanager
async def named(path: Path, store: MemoryStore, app: str) -> AsyncIterator[World]:
    """A gate of the application ``app`` over the policy file."""
    world = make_world(policy=path, store=store)  # type: ignore[arg-type]
    world.engine.wiring = replace(world.engine.wiring, app=app)
    async with running(world):
        await world.gate.web.open()
        yield world


async def test_a_new_name_of_the_application_is_no_way_around_approvals(file: Path) -> None:
    """Its first policy is compared with those of the applications that ask for approvals."""
    from mfa_gate.core.roles import Hand
    from mfa_gate.policyfile import load_policy

    once = APPROVED.replace("2", "1")
    store = MemoryStore()
    file.write_text(STRICT)
    async with named(file, store, "asks nobody"):
        pass
    file.write_text(STRICT + once)
    async with named(file, store, "portal") as world:
        await world.enrolled("ann")
    file.write_text(STRICT.replace("'1d'", "'12h'") + once)
    async with named(file, store, "stricter") as world:
        assert world.gate.policy.base.freshness.max_age == 43_200
    file.write_text(LOOSE)
    with pytest.raises(SettingsError, match=r'in force in "portal" .*0 of 1 approvals'):
        async with named(file, store, "renamed"):
            pass
    wanted = load_policy(file)
    file.write_text(STRICT + once)
    async with named(file, store, "portal") as world:
        (waiting,) = await world.gate.service.policy_life.waiting.all()
        assert (waiting.app, waiting.is_compared) == ("renamed", True)
        await world.gate.service.policy_life.approvals.approve(wanted, Hand("operator:eve"), "meant so")
    file.write_text(LOOSE)
    async with named(file, store, "renamed") as world:
        assert world.gate.policy.base.freshness.max_age == 7 * 86_400


async def test_other_tenants_do_not_read_who_approved(file: Path) -> None:
    """The name stands in the approver's tenant alone; the others tell two people apart."""
    from mfa_gate.core.roles import Hand
    from mfa_gate.policyfile import load_policy

    async with living(file) as world:
        for tenant in ("alpha", "beta"):
            await world.enrolled("ann", tenant)
        file.write_text(LOOSE)
        approvals = world.gate.service.policy_life.approvals
        for name in ("boss", "chief"):
            await approvals.approve(load_policy(file), Hand(name, "alpha"), "tested")
        await approvals.approve(load_policy(file), Hand("operator:eve"), "tested")
        own, foreign = [
            [event.actor for event in (await world.store.events(tenant, kind="policy.approved")).items]
            for tenant in ("alpha", "beta")
        ]
    assert own == ["operator:eve", "chief", "boss"]
    assert foreign[0] == "operator:eve"
    assert len(set(foreign)) == 3
    assert all(name.startswith("approver-") for name in foreign[1:])


async def test_the_file_is_watched(file: Path) -> None:
    """A changed file is in force a moment later, and a faulty one never."""
    async with living(file) as world:
        watch = world.gate.service.policy_watch
        await watch.aclose()
        watch.every = 0.01
        watch.start()
        file.write_text(LOOSE)
        await until(lambda: world.gate.policy.base.freshness.max_age == 7 * 86_400)
        file.write_text("nonsense")
        await asyncio.sleep(0.05)
        file.write_text(STRICT)
        await until(lambda: world.gate.policy.base.freshness.max_age == 86_400)


async def test_a_signal_reloads(file: Path) -> None:
    """SIGHUP reads the file again, and the process goes on."""
    async with living(file) as world:
        world.gate.service.policy_watch.every = 3600
        file.write_text(LOOSE)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: world.gate.policy.base.freshness.max_age == 7 * 86_400)
        assert [entry.by for entry in await PolicyArchive(world.store).history()] == ["start", "signal"]
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


class Terminal(io.StringIO):
    """The input of a process in a terminal."""

    def isatty(self) -> bool:
        return True


async def test_a_closed_terminal_still_ends_the_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the signal keeps its meaning."""
    monkeypatch.setattr("sys.stdin", Terminal())
    async with living(file):
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


async def test_watching_is_switched_off(file: Path) -> None:
    """With ``reload = false`` neither the file nor a signal is looked at.

    The application may still ask.
    """
    file.write_text(STRICT + "[change]\nreload = false\n")
    async with living(file) as world:
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        file.write_text(LOOSE)
        assert (await world.gate.reload_policy()).changed


async def test_a_policy_in_force_that_forbids_reloads_ends_the_watch(file: Path) -> None:
    """Neither a file nor a signal leads on from ``reload = false`` that came by a reload."""
    async with living(file) as world:
        watch = world.gate.service.policy_watch
        await watch.aclose()
        watch.every = 0.01
        watch.start()
        file.write_text(STRICT + "[change]\nreload = false\n")
        await until(lambda: not world.gate.policy.base.change.reload)
        file.write_text(LOOSE)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert world.gate.policy.base.freshness.max_age == 86_400
        assert (await world.gate.reload_policy()).changed


async def test_the_same_refused_file_is_told_again_after_the_good_one_was_back(file: Path) -> None:
    """Somebody tries it a second time: that is another line of the trail."""
    async with living(file) as world:
        await world.enrolled("ann")
        for number in (1, 2):
            file.write_text("nonsense")
            for _ in range(2):
                with pytest.raises(SettingsError):
                    await world.gate.reload_policy()
            assert len(await trail_of(world, "policy.refused")) == number
            file.write_text(STRICT)
            assert not (await world.gate.reload_policy()).changed


@pytest.mark.parametrize("times", [20, pytest.param(1_000, marks=pytest.mark.long)])
async def test_no_request_is_judged_by_half_a_file(file: Path, times: int) -> None:
    """Requests go on while the file is replaced many times, and none fails."""
    async with living(file) as world:
        ann = await world.enrolled("ann")
        for number in range(times):
            file.write_text(LOOSE if number % 2 else STRICT)
            replies = asyncio.gather(*(ann.page("/records") for _ in range(3)))
            await world.gate.reload_policy()
            assert {reply.status for reply in await replies} == {200}


async def test_a_second_worker_follows_the_first(file: Path) -> None:
    """A worker that loads the same file later leaves no second trace."""
    store = MemoryStore()
    async with living(file, store) as one:
        await one.enrolled("ann")
        async with living(file, store) as other:
            file.write_text(LOOSE)
            first, second = await one.gate.reload_policy(), await other.gate.reload_policy()
            assert first == second
            assert other.gate.policy.digest == one.gate.policy.digest == first.digest
            assert len(await trail_of(one, "policy.loaded")) == 1
            assert [entry.by for entry in await PolicyArchive(store).history()] == ["start", "application"]


async def test_a_policy_before_that_cannot_be_read_counts_as_stricter(file: Path) -> None:
    """A kept text that this version does not take is no way around the approvals."""
    store = MemoryStore()
    async with living(file, store) as world:
        await world.enrolled("ann")
        name = f"policy:text:{world.gate.policy.digest}"
        await store.put_meta(name, zlib.compress(json.dumps({"name": "x", "text": "old = 1", "files": {}}).encode()))
    file.write_text(STRICT + APPROVED)
    with pytest.raises(SettingsError, match="cannot be compared"):
        async with living(file, store):
            pass
    file.write_text(STRICT + "# no approvals\n")
    async with living(file, store) as world:
        (loosened,) = await trail_of(world, "policy.loosened")
        assert "cannot be compared" in str(loosened.detail["changes"])


async def test_approvals_of_a_policy_that_cannot_be_read_still_count(file: Path) -> None:
    """The file that takes its place cannot ask for fewer."""
    store = MemoryStore()
    async with living(file, store) as world:
        await world.enrolled("ann")
        name = f"policy:text:{world.gate.policy.digest}"
        text = "old = 1\n[change]\nlooser = 'approve'\napprovals = 3\n"
        await store.put_meta(name, zlib.compress(json.dumps({"name": "x", "text": text, "files": {}}).encode()))
    for wanted in (STRICT + "# no approvals\n", STRICT + APPROVED):
        file.write_text(wanted)
        with pytest.raises(SettingsError, match="0 of 3 approvals"):
            async with living(file, store):
                pass


@pytest.mark.parametrize("kind", ["policy.loaded", "policy.loosened"])
async def test_a_trace_that_was_not_written_is_written_at_the_next_try(
    file: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the policy before stays in force, so none is in force without its trace."""
    async with living(file) as world:
        await world.enrolled("ann")
        file.write_text(LOOSE)
        with monkeypatch.context() as broken:

            async def fail(events: Any) -> None:
                raise StoreUnavailable("away")

            broken.setattr(world.engine, "record", fail)
            with pytest.raises(StoreUnavailable):
                await world.gate.reload_policy()
        assert world.gate.policy.base.freshness.max_age == 86_400
        assert (await world.gate.reload_policy()).looser
        assert len(await trail_of(world, kind)) == 1
        await world.engine.effects.idle()
        assert [m for m in world.email.messages if m.to == "security@example.org"]


async def test_a_policy_of_the_code_is_not_read_again() -> None:
    """A gate that was given a ``Policy`` says so, and keeps no text."""
    async with running(make_world()) as world:
        with pytest.raises(SettingsError, match="no file"):
            await world.gate.reload_policy()
        assert await PolicyArchive(world.store).history() == ()


async def test_a_shorter_retention_waits(file: Path) -> None:
    """A shorter retention removes nothing before its grace, not even by command."""
    file.write_text(STRICT + "[audit]\nretention = '400d'\n")
    store, clock = MemoryStore(), FixedClock()
    async with living(file, store, clock=clock) as world:
        await world.enrolled("ann")
        before = len((await store.trail("alpha")).items)
        clock.advance(60 * 86_400)
        file.write_text(STRICT + "[audit]\nretention = '30d'\n[change]\ngrace = '0s'\n")
        await world.gate.reload_policy()
        retention = world.gate.service.retention
        assert await retention.prune(actor="operator:eve") == {}
        clock.advance(6 * 86_400)
        assert await retention.prune(actor="operator:eve") == {}
        clock.advance(2 * 86_400)
        assert await retention.prune(actor="operator:eve") == {"alpha": before}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("[audit]\nretention = '399d'\n", "[audit]\nretention = '30d'\n"),
        ("[audit]\nretention = '30d'\n", "[audit]\nretention = '30d'\n[tenants.alpha.freshness]\nmax_age = '1h'\n"),
        ("[audit]\nretention = '31d'\n[change]\ngrace = '0s'\n", "[audit]\nretention = '30d'\n"),
    ],
    ids=["a little shorter before", "a section of its own after", "no grace for the next change"],
)
async def test_two_steps_are_no_way_around_the_grace(file: Path, first: str, second: str) -> None:
    """Neither an early small change is one, nor a tenant named in the middle of it."""
    file.write_text(STRICT + "[audit]\nretention = '400d'\n")
    store, clock = MemoryStore(), FixedClock()
    async with living(file, store, clock=clock) as world:
        await world.enrolled("ann")
        clock.advance(60 * 86_400)
        for text, days in ((first, 6 if "399d" in first else 0), (second, 0)):
            file.write_text(STRICT + text)
            await world.gate.reload_policy()
            clock.advance(days * 86_400)
        retention = world.gate.service.retention
        assert await retention.prune(actor="operator:eve") == {}
        if "399d" in first:
            clock.advance(6 * 86_400)
            assert await retention.prune(actor="operator:eve") == {}
        clock.advance(8 * 86_400)
        assert (await retention.prune(actor="operator:eve"))["alpha"]


async def test_a_policy_before_that_cannot_be_read_has_a_grace(file: Path) -> None:
    """It may have kept every line, so a retention removes nothing for seven days."""
    store, clock = MemoryStore(), FixedClock()
    async with living(file, store, clock=clock) as world:
        await world.enrolled("ann")
        name = f"policy:text:{world.gate.policy.digest}"
        await store.put_meta(name, zlib.compress(json.dumps({"name": "x", "text": "old = 1", "files": {}}).encode()))
    clock.advance(60 * 86_400)
    file.write_text(STRICT + "[audit]\nretention = '30d'\n")
    async with living(file, store, clock=clock) as world:
        assert await world.gate.service.retention.prune(actor="operator:eve") == {}
        clock.advance(8 * 86_400)
        assert await world.gate.service.retention.prune(actor="operator:eve")


async def test_workers_that_differ_are_noticed(file: Path) -> None:
    """Two workers with different policies are an event and a mail, after a rollout's time."""
    store, clock = MemoryStore(), FixedClock()
    async with living(file, store, clock=clock) as one:
        await one.enrolled("ann")
        file.write_text(LOOSE)
        async with living(file, store, clock=clock) as other:
            for world in (one, other, one, other):
                await world.gate.service.policy_workers.report()
            assert await trail_of(one, "policy.differs") == []
            clock.advance(240)
            for world in (one, other, one, other):
                await world.gate.service.policy_workers.report()
            (event,) = await trail_of(one, "policy.differs")
            assert str(event.detail["policies"]).count("lived") == 2
            await asyncio.gather(one.engine.effects.idle(), other.engine.effects.idle())
            mails = [m for m in (*one.email.messages, *other.email.messages) if "Two policies" in m.subject]
            assert [m.to for m in mails] == ["security@example.org"]


async def test_an_approval_ends(file: Path) -> None:
    """It counts for 30 days, and ends where another policy took the place of this one."""
    from mfa_gate.core.roles import Hand
    from mfa_gate.policyfile import load_policy

    approved = APPROVED.replace("2", "1")
    file.write_text(STRICT + approved)
    clock = FixedClock()
    async with living(file, clock=clock) as world:
        await world.enrolled("ann")
        approvals = world.gate.service.policy_life.approvals
        file.write_text(LOOSE + approved)
        await approvals.approve(load_policy(file), Hand("operator:eve"), "tested")
        clock.advance(30 * 86_400)
        with pytest.raises(SettingsError, match="0 of 1 approvals"):
            await world.gate.reload_policy()
        await approvals.approve(load_policy(file), Hand("operator:eve"), "tested anew")
        clock.advance(60)
        assert (await world.gate.reload_policy()).looser
        clock.advance(60)
        file.write_text(STRICT + approved)
        assert (await world.gate.reload_policy()).changed
        file.write_text(LOOSE + approved)
        with pytest.raises(SettingsError, match="0 of 1 approvals"):
            await world.gate.reload_policy()
        clock.advance(60)
        await approvals.approve(load_policy(file), Hand("operator:eve"), "once more")
        assert (await world.gate.reload_policy()).looser


async def test_no_clock_brings_an_approval_or_a_policy_back(file: Path) -> None:
    """A policy of a worker whose clock ran ahead, once replaced, needs approvals anew."""
    from mfa_gate.core.roles import Hand
    from mfa_gate.policyfile import load_policy

    approved = APPROVED.replace("2", "1")
    file.write_text(STRICT + approved)
    clock = FixedClock()
    async with living(file, clock=clock) as world:
        await world.enrolled("ann")
        life = world.gate.service.policy_life
        clock.advance(86_400)
        file.write_text(LOOSE + approved)
        await life.approvals.approve(load_policy(file), Hand("operator:eve"), "tested")
        assert (await world.gate.reload_policy()).looser
        clock.advance(60 - 86_400)
        file.write_text(STRICT + approved)
        assert (await world.gate.reload_policy()).changed
        latest = await life.archive.latest("")
        assert latest is not None
        assert latest.digest == world.gate.policy.digest
        file.write_text(LOOSE + approved)
        with pytest.raises(SettingsError, match="0 of 1 approvals"):
            await world.gate.reload_policy()
        await life.approvals.approve(load_policy(file), Hand("operator:eve"), "meant so")
        assert (await world.gate.reload_policy()).looser


CLOSED = "tenants_are = 'closed'\n" + LOOSE + "[tenants.beta.attempts]\nmax = 5\n"


async def test_a_reload_that_forgets_a_tenant_is_refused(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is shut out by a reload of a closed file that does not name their tenant.

    A restart may mean that.
    """
    store = MemoryStore()
    async with living(file, store) as world:
        ann = await world.enrolled("ann", "alpha")
        await world.enrolled("bea", "beta")
        file.write_text(CLOSED)
        with pytest.raises(SettingsError, match='refuse all people of "alpha", whom the store knows'):
            await world.gate.reload_policy()
        assert (await ann.page("/records")).status == 200
        file.write_text(CLOSED + "[tenants.alpha.attempts]\nmax = 5\n")
        assert (await world.gate.reload_policy()).changed
        file.write_text(CLOSED)
        with pytest.raises(SettingsError, match="alpha"):
            await world.gate.reload_policy()
    async with living(file, store) as world:
        assert "people of alpha are refused" in caplog.text
        file.write_text(CLOSED + "[freshness.ip_change]\nknown_networks = 3\n")  # alpha was refused before as well
        assert (await world.gate.reload_policy()).changed


async def test_the_number_of_differences_where_there_is_nothing_to_compare(file: Path) -> None:
    """A first start says that it is not known; a worker that follows it tells of none."""
    async with living(file) as world:
        life = world.gate.service.policy_life
        latest = await life.archive.latest("")
        assert latest is not None
        assert latest.differences == -1
        done = await life._load(world.engine.policy, before=None, by="signal")
        assert (done.changed, done.differences) == (True, 0)


async def test_workers_that_load_one_policy_tell_it_once(file: Path) -> None:
    """Within a minute the others find the trace of the first."""
    async with living(file) as world:
        await world.enrolled("ann")
        entry = Entry(at=world.engine.now(), app="", name="p", digest="d" * 64, by="signal", looser=("x",))
        for later, count in ((0, 1), (0, 1), (59, 1), (1, 2)):
            world.clock.advance(later)
            life = PolicyLife(world.engine, world.gate.service.alarms)
            await life._tell(replace(entry, at=world.engine.now()), None, ())
            assert len(await trail_of(world, "policy.loosened")) == count
        (loaded, _) = await trail_of(world, "policy.loaded")
        assert loaded.detail["digest"] == "d" * 12


async def test_a_policy_that_waits_is_named_by_its_digest(file: Path) -> None:
    """The fault has its first twelve characters, as everywhere."""
    file.write_text(STRICT + APPROVED)
    async with living(file) as world:
        await world.enrolled("ann")
        file.write_text(LOOSE + APPROVED)
        with pytest.raises(SettingsError, match=r"\([0-9a-f]{12}\) is looser than the one in force"):
            await world.gate.reload_policy()
