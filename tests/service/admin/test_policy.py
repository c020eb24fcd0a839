"""The policy at the desk: what is in force, what waits, and the word of two people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mfa_gate import Subject
from mfa_gate.cli.doctor.policies import forgotten_of, holds_of, waiting_of
from mfa_gate.core.model import Caller
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import SettingsError
from mfa_gate.service import Actor
from mfa_gate.service.policy_approvals import Approval
from mfa_gate.service.policy_life import ELSEWHERE
from mfa_gate.stores.memory import MemoryStore
from tests.harness import HOME, Browser, FixedClock, World
from tests.service.admin.test_automation import call, made
from tests.service.test_policy_life import APPROVED, LOOSE, STRICT, living, trail_of

HERE = "/mfa/admin/policy"


@asynccontextmanager
async def waiting(tmp_path: Path, more: str = "", **parts: object) -> AsyncIterator[tuple[World, Path]]:
    """A gate whose file was replaced by a looser one, which waits for two approvals."""
    file = tmp_path / "policy.toml"
    file.write_text(STRICT + APPROVED + more)
    async with living(file, MemoryStore(), **parts) as world:
        await world.enrolled("ann")
        file.write_text(LOOSE + more)
        with pytest.raises(SettingsError, match="0 of 2 approvals"):
            await world.gate.reload_policy()
        yield world, file


async def boss(world: World, id: str = "boss") -> Browser:
    return await world.enrolled(id, groups=["security"])


async def test_what_waits_is_shown_with_its_changes(tmp_path: Path) -> None:
    """The looser changes are named, each with a request that shows it.

    So are digest, author and history.
    """
    async with waiting(tmp_path) as (world, _):
        who = await boss(world)
        found = (await who.api("GET", "admin/policy")).json()
        assert (found["name"], found["digest"], found["by"]) == ("lived", world.gate.policy.digest, "start")
        assert [row["digest"] for row in found["history"]] == [world.gate.policy.digest]
        (one,) = found["waiting"]
        assert (one["needed"], one["approvals"], one["approved_by_you"]) == (2, [], False)
        age = next(row for row in one["changes"] if row["path"] == "freshness.max_age")
        assert (age["old"], age["new"], age["change"]) == ("1d", "7d", "looser")
        assert "asked" in age["witness"]
        page = await who.page(HERE)
        assert page.status == 200
        assert age["witness"] in page.text.replace("&#39;", "'")
        assert one["digest"] in page.text


async def test_two_people_approve_and_it_comes_into_force(tmp_path: Path) -> None:
    """One approves by page, one by JSON; nobody counts twice."""
    async with waiting(tmp_path) as (world, _):
        first, second = await boss(world), await boss(world, "second")
        digest = (await first.api("GET", "admin/policy")).json()["waiting"][0]["digest"]
        done = await first.form(HERE, {"digest": digest, "reason": "read it"}, token=await first.token("/mfa"))
        assert done.status == 303
        twice = await first.api("POST", "admin/policy/approve", {"digest": digest, "reason": "again"})
        assert (twice.status, twice.reason) == (403, "not_allowed")
        assert "You’ve already approved this policy" in (await first.page(HERE)).text
        with pytest.raises(SettingsError, match="1 of 2 approvals"):
            await world.gate.reload_policy()
        reply = await second.api("POST", "admin/policy/approve", {"digest": digest, "reason": "read it, too"})
        assert [row["by"] for row in reply.json()["waiting"][0]["approvals"]] == ["boss", "second"]
        assert "Enough people have approved" in (await second.page(HERE)).text
        assert (await world.gate.reload_policy()).looser
        assert len(await trail_of(world, "policy.approved")) == 2
        after = (await second.api("GET", "admin/policy")).json()
        assert (after["digest"], after["waiting"]) == (digest, [])
        assert "freshness.max_age: 1d -> 7d" in after["history"][0]["looser"]


async def test_who_may_not(tmp_path: Path) -> None:
    """Another right shows it and approves nothing; no right shows nothing.

    An old proof is asked anew.
    """
    clock = FixedClock()
    async with waiting(tmp_path, clock=clock) as (world, _):
        auditor = await world.enrolled("eve", groups=["admin"])
        digest = (await auditor.api("GET", "admin/policy")).json()["waiting"][0]["digest"]
        given = {"digest": digest, "reason": "read it"}
        assert (await auditor.api("POST", "admin/policy/approve", given)).reason == "not_allowed"
        assert (await auditor.form(HERE, given, token=await auditor.token("/mfa"))).status == 403
        nobody = await world.enrolled("bob")
        assert (await nobody.api("GET", "admin/policy")).reason == "not_allowed"
        assert (await nobody.page(HERE)).status == 403
        who = await boss(world)
        assert (await who.api("POST", "admin/policy/approve", {**given, "reason": " "})).status == 422
        assert (await who.api("POST", "admin/policy/approve", {**given, "digest": "0" * 64})).reason == "not_found"
        assert (await who.form(HERE, {**given, "reason": ""}, token=await who.token("/mfa"))).status == 422
        clock.advance(400)
        assert (await who.api("POST", "admin/policy/approve", given)).reason == "proof_required"
        assert await trail_of(world, "policy.approved") == []


async def test_who_acts_in_one_tenant_reads_nothing_about_the_others(tmp_path: Path) -> None:
    """The file rules every tenant: such a person sees names and numbers, and approves nothing."""
    more = "[roles]\neverywhere = []\n[tenants.beta.attempts]\nmax = 5\n"
    async with waiting(tmp_path, more) as (world, _):
        who = await boss(world)
        found = (await who.api("GET", "admin/policy")).json()
        assert (found["text"], found["may_approve"]) == (None, False)
        (one,) = found["waiting"]
        assert (one["changes"], one["more"] > 0) == ([], True)
        given = {"digest": one["digest"], "reason": "read it"}
        assert (await who.api("POST", "admin/policy/approve", given)).reason == "not_allowed"
        page = (await who.page(HERE)).text
        assert "beta" not in page
        assert "rights in all of them" in page


async def test_a_trail_tells_nothing_about_other_tenants(tmp_path: Path) -> None:
    """The lines of a refused and of a looser policy name what concerns their own tenant."""
    more = "[tenants.beta.attempts]\nmax = {}\n"
    file = tmp_path / "policy.toml"
    file.write_text(STRICT + APPROVED + more.format(4))
    async with living(file, MemoryStore()) as world:
        for id, tenant in (("ann", "alpha"), ("zoe", "beta")):
            await world.enrolled(id, tenant=tenant)
        file.write_text(LOOSE + more.format(5))
        with pytest.raises(SettingsError, match=r"beta: attempts\.max"):
            await world.gate.reload_policy()
        (refused,) = await trail_of(world, "policy.refused")
        assert "beta" not in json.dumps(refused.detail)
        assert refused.detail["first"] == ELSEWHERE
        desk = world.gate.service.policy_desk
        (one,) = await desk.life.waiting.all()
        for name in ("operator:eve", "operator:adam"):
            await desk.approve_waiting(Actor(name=name), one.digest, "read it")
        await world.gate.reload_policy()
        (loosened,) = await trail_of(world, "policy.loosened")
        assert "freshness.max_age: 1d -> 7d" in str(loosened.detail["changes"])
        assert "beta" not in json.dumps(loosened.detail)
        (theirs,) = (await world.store.events("beta", kind="policy.loosened")).items
        assert "beta: attempts.max: 4 -> 5" in str(theirs.detail["changes"])


async def test_a_program_of_one_tenant_reads_nothing_about_the_others(tmp_path: Path) -> None:
    """A token reads nothing of what the file says about tenants out of its reach."""
    async with waiting(tmp_path, "[tenants.beta.attempts]\nmax = 5\n") as (world, _):
        token = await made(world, "audit", "policy")
        found = (await call(world, token, "GET", "admin/policy")).json()
        assert (found["text"], found["may_approve"]) == (None, False)
        assert "beta" not in json.dumps(found)
        whole = await made(world, "audit", everywhere=True, name="all")
        assert "beta" in (await call(world, whole, "GET", "admin/policy")).json()["text"]


async def test_a_program_is_no_second_person(tmp_path: Path) -> None:
    """The word for a looser policy is that of a person, whatever the token may do."""
    async with waiting(tmp_path) as (world, _):
        token = await made(world, "policy", everywhere=True)
        (one,) = (await call(world, token, "GET", "admin/policy")).json()["waiting"]
        given = {"digest": one["digest"], "reason": "read it"}
        refused = await call(world, token, "POST", "admin/policy/approve", given)
        assert (refused.status, refused.reason) == (403, "not_allowed")
        assert await trail_of(world, "policy.approved") == []


async def test_two_presses_at_once_are_one_approval(tmp_path: Path) -> None:
    """A person who presses twice gets a refusal for one of them, and no fault."""
    async with waiting(tmp_path) as (world, _):
        who = await boss(world)
        (one,) = (await who.api("GET", "admin/policy")).json()["waiting"]
        life = world.gate.service.policy_desk.life
        plain, first = life.approvals.of, asyncio.Event()

        async def of(digest: str, app: str | None = None) -> tuple[Approval, ...]:
            found = await plain(digest, app)
            if first.is_set():
                return found
            first.set()
            await who.api("POST", "admin/policy/approve", given)
            return found

        given = {"digest": one["digest"], "reason": "read it"}
        life.approvals.of = of  # type: ignore[method-assign]
        refused = await who.api("POST", "admin/policy/approve", given)
        assert (refused.status, refused.reason) == (403, "not_allowed")
        assert len(await trail_of(world, "policy.approved")) == 1


async def test_who_acts_in_the_only_tenant_approves(tmp_path: Path) -> None:
    """A file and a store with one tenant need nobody who acts everywhere.

    ``doctor`` counts the approvals.
    """
    async with waiting(tmp_path, "[roles]\neverywhere = []\n") as (world, _):
        who = await boss(world)
        (one,) = (await who.api("GET", "admin/policy")).json()["waiting"]
        assert (
            await who.api("POST", "admin/policy/approve", {"digest": one["digest"], "reason": "read"})
        ).status == 200
        token = await made(world, "audit")
        assert "max_age" in (await call(world, token, "GET", "admin/policy")).json()["text"]
        (line,) = await waiting_of(world.gate)
        assert "is looser and waits: 1 of 2 approvals" in line.text


async def test_the_history_of_a_day(tmp_path: Path) -> None:
    """``at`` names a day or a moment; one that cannot be read is refused, never ignored."""
    async with waiting(tmp_path) as (world, _):
        who = await boss(world)
        day = (await who.api("GET", "admin/policy?at=2025-06-15")).json()["history"]
        assert [row["by"] for row in day] == ["start"]
        assert (await who.api("GET", "admin/policy?at=2025-06-01")).json()["history"] == []
        assert (await who.api("GET", "admin/policy?at=soon")).json()["member"] == "at"
        assert (await who.page(f"{HERE}?at=soon")).status == 422
        assert "No policy was in force then" in (await who.page(f"{HERE}?at=2025-06-01")).text


async def test_the_file_of_before_ends_the_wait(tmp_path: Path) -> None:
    """Nothing waits any more once the file is put back."""
    async with waiting(tmp_path) as (world, file):
        who = await boss(world)
        file.write_text(STRICT + APPROVED)
        assert not (await world.gate.reload_policy()).changed
        assert (await who.api("GET", "admin/policy")).json()["waiting"] == []


async def test_a_waiting_text_that_cannot_be_read_is_not_approved(tmp_path: Path) -> None:
    """A text that this version does not take is refused with its first fault."""
    async with waiting(tmp_path) as (world, _):
        who = await boss(world)
        digest = (await who.api("GET", "admin/policy")).json()["waiting"][0]["digest"]
        await world.store.put_meta(f"policy:text:{digest}", _packed("old = 1"))
        reply = await who.api("POST", "admin/policy/approve", {"digest": digest, "reason": "read it"})
        assert (reply.status, reply.reason, reply.json()["member"]) == (409, "policy_refused", "digest")


async def test_the_doctor_names_holds_and_forgotten_tenants(tmp_path: Path) -> None:
    """A trail that is held, and people whom a closed policy refuses, have a line each."""
    file = tmp_path / "policy.toml"
    file.write_text(STRICT)
    store = MemoryStore()
    async with living(file, store) as world:
        await world.enrolled("ann")
        await world.gate.service.legal_holds.begin("alpha", by="operator:eve", reason="case 7")
        (line,) = await holds_of(world.gate)
        assert "alpha" in line.text
        assert "case 7" in line.text
        assert await forgotten_of(world.gate) == []
    file.write_text("tenants_are = 'closed'\n" + STRICT + "[tenants.beta.attempts]\nmax = 5\n")
    async with living(file, store) as world:
        (line,) = await forgotten_of(world.gate)
        assert "refuses the people of alpha" in line.text


def _packed(text: str) -> bytes:
    import json
    import zlib

    return zlib.compress(json.dumps({"name": "x", "text": text, "files": {}}).encode())


async def test_a_program_approves_nothing_and_reads_what_it_reaches(tmp_path: Path) -> None:
    """A token with the right ``policy`` is no person.

    It sees other tenants only if it acts everywhere.
    """
    async with waiting(tmp_path) as (world, _):
        await world.enrolled("zoe", "beta")
        digest = (await (await boss(world)).api("GET", "admin/policy")).json()["waiting"][0]["digest"]
        for everywhere in (False, True):
            token = await made(world, "policy", everywhere=everywhere, name=f"bot-{everywhere}")
            found = (await call(world, token, "GET", "admin/policy")).json()
            assert (bool(found["text"]), found["may_approve"]) == (everywhere, False)
            assert bool(found["waiting"][0]["changes"]) == everywhere
            body = {"digest": digest, "reason": "read it"}
            refused = await call(world, token, "POST", "admin/policy/approve", body)
            assert (refused.status, refused.reason) == (403, "not_allowed")
        with pytest.raises(SettingsError, match="0 of 2 approvals"):
            await world.gate.reload_policy()


async def test_what_each_reader_sees_of_the_policy(tmp_path: Path) -> None:
    """Text, differing workers and looser changes are for those who act in every tenant.

    Others read that there are some.
    """
    more = "[roles]\neverywhere = ['security']\n[tenants.beta.attempts]\nmax = 5\n"
    async with waiting(tmp_path, more) as (world, _):
        service, now = world.gate.service, world.engine.now()
        rows = [
            {"worker": name, "app": "", "digest": name * 64, "name": name, "since": now - 180, "at": now}
            for name in "ab"
        ]
        await world.store.put_meta("policy:workers", json.dumps(rows).encode())
        for groups, sees_all in ((frozenset({"security"}), True), (frozenset({"admin"}), False)):
            actor = Actor(
                name="boss", caller=Caller(subject=Subject("boss", "alpha", groups), handle="h", network=HOME)
            )
            service.rights.permit = permitted  # type: ignore[method-assign]
            found = await service.policy_desk.look(actor)
            assert not isinstance(found, Refusal)
            assert (found.sees_all, found.may_approve) == (sees_all, sees_all)
            assert (found.text, bool(found.apart)) == ((world.engine.policy.text, True) if sees_all else ("", False))
            assert found.since is not None
            assert (found.since.digest, found.policy) == (world.engine.policy.digest, world.engine.policy)
            (one,) = found.waiting
            assert bool(one.policy.changes) is sees_all
        operator = await service.policy_desk.look(Actor(name="operator:eve"))
        assert not isinstance(operator, Refusal)
        assert (operator.sees_all, operator.may_approve) == (True, True)


async def permitted(*_: object, **__: object) -> None:
    """Permit everything: the rights have tests of their own."""
