"""The keys of the trail: rotation, and stores of before there were keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail import event_to_json
from mfa_gate.keyring import Keyring
from mfa_gate.service.store_checks import CANARIES, CANARY, CANARY_ROW, is_keyed
from mfa_gate.service.trail_heads import NoHead, key_from_text, key_to_text, read_head
from mfa_gate.service.trail_keys import TrailKeys
from mfa_gate.service.trail_notes import TrailNotes
from mfa_gate.service.trail_verification import TrailCheck
from mfa_gate.storage import Store
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.sqlite import SQLiteStore
from tests.harness import START, World, key, make_world, running


def event(number: int, tenant: str = "alpha") -> Event:
    return Event(id=f"e{number}", kind="attempt.failed", at=START + number, tenant=tenant, account="ann")


async def places(world: World) -> dict[str, int]:
    verdict = await world.gate.service.retention.verify()
    return {tenant: fault.place for tenant, fault in verdict.broken.items()}


async def record(world: World, first: int, count: int) -> None:
    await world.gate.service.engine.record([event(number) for number in range(first, first + count)])
    await world.gate.service.trail_signer.flush()


async def test_lines_verify_after_a_rotation_and_when_the_old_key_is_gone(tmp_path: Path) -> None:
    """The old key's part of the chain is kept under the new one.

    An altered old line is still found.
    """
    url = f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=url, keys=[key(1)])) as world:
        await record(world, 0, 5)
    async with running(make_world(store=url, keys=[key(2), key(1)])) as world:
        await record(world, 5, 5)
        head = await world.gate.service.trail_reader.head("alpha")
        assert await places(world) == {}
        from mfa_gate.service.maintenance.rotation import rotate_keys

        await rotate_keys(world.gate.service, actor="operator:eve", reason="")
    async with running(make_world(store=url, keys=[key(2)])) as world:
        await record(world, 10, 5)
        assert await places(world) == {}
        links = await world.store.links("alpha")
        assert {line.split('"key":"')[1][:4] for _, line, _ in links} == {Keyring([key(n)]).newest for n in (1, 2)}
        assert read_head(head, world.gate.service.engine.trail_keys.verify_key).lines == 10
        await alter(world.store, 2)
        assert await places(world) == {"alpha": 2}


async def test_a_new_key_keeps_the_old_keys_part_at_once(tmp_path: Path) -> None:
    """The old key may go before anything was rotated: the lines that it chained still verify."""
    url = f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=url, keys=[key(1)])) as world:
        await record(world, 0, 3)
    async with running(make_world(store=url, keys=[key(2), key(1)])) as world:
        await record(world, 3, 3)
        newest = TrailKeys(Keyring([key(2)]))
        await newest.load(world.store)
        assert (await TrailCheck(world.store, newest, is_keyed=True).run()).broken == {}


async def alter(store: Store, number: int) -> None:
    from mfa_gate.storage import Rewrite

    link = (await store.links("alpha"))[number]
    await store.rewrite("alpha", [Rewrite(link.place, link.line, link.line.replace('"ann"', '"eve"'))])


async def test_a_line_of_a_key_that_nobody_lists_is_named(tmp_path: Path) -> None:
    """Without the key nothing is said to be whole, and nothing is said to be altered."""
    store = MemoryStore()
    async with running(make_world(store=store, keys=[key(1)])) as world:
        await record(world, 0, 3)
    await store.open()
    check = TrailKeys(Keyring([key(2)]))

    verdict = await TrailCheck(store, check, is_keyed=True).run()
    assert "not listed" in verdict.broken["alpha"].what


async def old_store(path: Path, lines: int) -> None:
    """A store as an earlier release has left it.

    Its lines have no key, its canary says nothing, and no note is signed.
    """
    store = SQLiteStore(path)
    await store.open()
    await store.append([event(number) for number in range(lines)])
    await store.append([event(number, "beta") for number in range(3)])
    sealed = Keyring([key(1)]).seal(CANARY, b"mfa_gate", row=CANARY_ROW, nonce=bytes(12)).encode()
    await store.put_meta(CANARY, sealed)
    await store.put_meta(CANARIES, sealed)
    await store.aclose()


async def test_a_store_of_before_goes_on_keyed(tmp_path: Path) -> None:
    """Its lines verify up to their head, nothing is lost, and new lines have a key.

    What was signed over is found when altered.
    """
    await old_store(tmp_path / "mfa.db", 1_200)
    url = f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=url)) as world:
        service = world.gate.service
        await service.trail_signer.flush()
        assert await is_keyed(world.store, service.engine.keyring)
        await record(world, 1_200, 4)
        verdict = await service.retention.verify()
        assert (verdict.broken, verdict.is_signed, verdict.since) == ({}, True, {"alpha": 1_200, "beta": 3})
        assert len((await world.store.trail("alpha", limit=5_000)).items) == 1_204
        await alter(world.store, 700)
        assert await places(world) == {"alpha": 700}


async def test_a_store_of_before_is_told_apart_until_it_is_signed(tmp_path: Path) -> None:
    """A command that only looks signs nothing, and says that nothing is signed."""
    await old_store(tmp_path / "mfa.db", 5)
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()

    keys = TrailKeys(Keyring([key(1)]))
    verdict = await TrailCheck(store, keys, is_keyed=await is_keyed(store, Keyring([key(1)]))).run()
    assert (verdict.is_whole, verdict.is_signed) == (True, False)
    assert await TrailNotes(store, keys).tenants() is None
    await store.aclose()


async def test_an_altered_old_trail_is_not_signed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told of instead, and the other tenants' trails are signed."""
    await old_store(tmp_path / "mfa.db", 9)
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    await alter(store, 4)
    await store.aclose()
    async with running(make_world(store=f"sqlite:///{tmp_path}/mfa.db")) as world:
        await world.gate.service.trail_signer.flush()
        assert (await places(world))["alpha"] == 4
        assert "beta" not in await places(world)
        assert "the trail of alpha was altered" in caplog.text
        assert [line.kind for line in (await world.store.events("alpha", kind="audit.altered")).items] == [
            "audit.altered"
        ]


async def test_two_workers_sign_one_trail(tmp_path: Path) -> None:
    """The newest head stands in the end, whoever was last."""
    url = f"sqlite:///{tmp_path}/mfa.db"
    async with running(make_world(store=url)) as one, running(make_world(store=url)) as two:
        for number in range(0, 40, 2):
            await one.gate.service.engine.record([event(number)])
            await two.gate.service.engine.record([event(number + 1)])
            if number % 6 == 0:
                await one.gate.service.trail_signer.flush()
                await two.gate.service.trail_signer.flush()
        await two.gate.service.trail_signer.flush()
        await one.gate.service.trail_signer.flush()
        signed = await one.gate.service.trail_signer.notes.head("alpha")
        assert signed is not None
        assert signed.point == await one.store.head("alpha")
        assert await places(one) == await places(two) == {}


async def test_a_running_gate_tells_of_a_cut_tail_with_the_next_line(caplog: pytest.LogCaptureFixture) -> None:
    """The process remembers the heads that it has signed.

    So a signed head that was set back with the lines is found.
    """
    from .intruder import IntoMemory

    store = MemoryStore()
    async with running(make_world(store=store)) as world:
        await record(world, 0, 5)
        into = IntoMemory(store)
        before = into.take()
        await record(world, 5, 5)
        assert "was altered" not in caplog.text
        into.put(before)
        await record(world, 10, 1)
        assert "the trail of alpha was altered" in caplog.text


async def test_a_store_writes_no_secret_digest(tmp_path: Path) -> None:
    """The secret digest of a line stands nowhere in the file."""
    async with running(make_world(store=f"sqlite:///{tmp_path}/mfa.db")) as world:
        (made,) = world.gate.service.engine.chained((event(1),))
        await world.store.append([made])
        (link,) = await world.store.links("alpha")
        assert link.line == event_to_json(made)
    for file in tmp_path.iterdir():
        assert made.own.encode() not in file.read_bytes()


def test_a_head_is_bound_to_every_word() -> None:
    """A changed letter of a head or of a verification key is refused."""
    keys = TrailKeys(Keyring([key(1)]))
    from mfa_gate.service.trail_heads import signed_head
    from mfa_gate.storage import ChainPoint

    word = signed_head(keys, "alpha", ChainPoint(lines=3, digest="d" * 64), at=START)
    assert read_head(word, keys.verify_key).lines == 3
    for at in range(0, len(word), 7):
        with pytest.raises(NoHead):
            read_head(word[:at] + ("A" if word[at] != "A" else "B") + word[at + 1 :], keys.verify_key)
    with pytest.raises(NoHead):
        read_head(word, TrailKeys(Keyring([key(2)])).verify_key)
    text = key_to_text(keys.newest, keys.verify_key())
    assert key_from_text(text) == (keys.newest, keys.verify_key())
    for at in range(6, len(text), 5):
        if text[at] != ".":
            other = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
            with pytest.raises(NoHead):
                verify_with(other, word)


def verify_with(text: str, word: str) -> None:
    """Read a head with the key that ``text`` is."""
    known = dict([key_from_text(text)])
    read_head(word, lambda id: known.get(id, b""))


async def test_an_operator_accepts_lines_that_a_failover_lost() -> None:
    """The trail is whole again and signed on, and an event tells of it for good."""
    from .intruder import IntoMemory

    store = MemoryStore()
    async with running(make_world(store=store)) as world:
        service = world.gate.service
        await record(world, 0, 5)
        into = IntoMemory(store)
        loot = into.take()
        del loot.trails["alpha"].rows[4:]
        loot.trails["alpha"].set_head()
        into.put(loot)
        verdict = await service.retention.verify()
        assert verdict.broken["alpha"].place == 4
        await service.trail_signer.accept("alpha", verdict.broken["alpha"], actor="operator:eve", reason="failover")
        assert await places(world) == {}
        await record(world, 6, 3)
        assert await places(world) == {}
        (told,) = (await world.store.events("alpha", kind="audit.accepted")).items
        assert (told.actor, told.reason, told.detail["line"]) == ("operator:eve", "failover", 5)
        await alter(store, 1)
        verdict = await service.retention.verify()
        await service.trail_signer.accept("alpha", verdict.broken["alpha"], actor="operator:eve", reason="looked")
        assert await places(world) == {"alpha": 1}


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("", "it is no verification key"),
        ("mfav1.abcd", "it is no verification key"),
        ("mfav1.abcd.\u00e9", "it is no verification key"),
        ("mfav1.abcd.!!", "it is no verification key"),
        ("mfav1.abcd.AAAA", "the verification key is damaged"),
        ("{other}", "the verification key is damaged"),
        ("{slip}", "the verification key is damaged"),
    ],
)
def test_a_verification_key_is_copied_whole(word: str, told: str) -> None:
    """A slip of the pen is found, and said in words."""
    good = key_to_text("abcd", bytes(range(32)))
    assert key_from_text(f" {good}\n") == ("abcd", bytes(range(32)))
    other, slip = good.replace("mfav1", "mfah1"), good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]
    with pytest.raises(NoHead, match=told):
        key_from_text(word.format(other=other, slip=slip))


async def test_damaged_older_keys_stop_nothing() -> None:
    """The note that keeps the keys of before a rotation may be damaged.

    The newest key still signs.
    """
    store, keys = MemoryStore(), TrailKeys(Keyring([key(2), key(1)]))
    await store.open()
    for body in (b"{", b"[1]", b'{"abcd":"no seal"}'):
        await store.put_meta("trail-keys", body)
        await keys.load(store)
        assert keys.ids == Keyring([key(2), key(1)]).ids
    await store.aclose()


def test_the_form_of_a_signature() -> None:
    """Stores hold such ones for good: the key's id, and 64 digits."""
    keys = TrailKeys(Keyring([key(1)]))
    signature = keys.sign("head", "text")
    assert (len(keys.newest), len(signature), signature[:4]) == (4, 68, keys.newest)
    assert keys.is_signed("head", "text", signature)
    for other in (signature[:-1], signature + "0", "0" + signature[1:], ""):
        assert not keys.is_signed("head", "text", other)
    digest = "a" * 64
    assert len(keys.own(keys.newest, "alpha", digest)) == 64
    assert [keys.own(keys.newest, "alpha", text) for text in (digest[1:], digest + "a", "")] == ["", "", ""]
    assert keys.own("none", "alpha", digest) == ""


async def test_a_key_that_is_taken_out_still_verifies() -> None:
    """Its heads and its lines are known by what was kept before."""
    store = MemoryStore()
    await store.open()
    old, both = TrailKeys(Keyring([key(1)])), TrailKeys(Keyring([key(2), key(1)]))
    await both.keep(store, lambda size: b"n" * size)
    later = TrailKeys(Keyring([key(2)]))
    assert later.verify_key(old.newest) == b""
    await later.load(store)
    assert later.verify_key(old.newest) == old.verify_key()
    assert len(later.verify_key(old.newest)) == 32
    assert later.own(old.newest, "alpha", "a" * 64) == old.own(old.newest, "alpha", "a" * 64) != ""
    assert later.ids == (later.newest, old.newest)
    await store.aclose()
