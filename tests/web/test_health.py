"""The host's probe is ``gate.health()`` and ``/mfa/health``: neither tells a secret."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from mfa_gate import Senders
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import health as health_of
from mfa_gate.stores.memory import MemoryStore
from tests.harness import FETCH, PAGE, Browser, Outbox, World, key, make_world, running

BARE: list[tuple[str, str]] = []


class Counted(MemoryStore):
    """A store that counts the reads of its notes, and goes away as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.away = False

    async def meta(self, name: str, /) -> bytes | None:
        """Read a note."""
        self.reads += 1
        if self.away:
            raise StoreUnavailable("connection refused at redis://user:secret@10.0.0.9")
        return await super().meta(name)


class Troubled(Outbox):
    """A sender whose provider is in trouble."""

    available = False


@pytest.fixture(autouse=True)
def unkept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the store each time, but where a test says otherwise."""
    monkeypatch.setattr(health_of, "KEPT", 0.0)


async def probe(world: World, **more: Any) -> Any:
    """A stranger's request for the probe's address."""
    return await Browser(world).ask("GET", "/mfa/health", **more)


@pytest.mark.parametrize("headers", [BARE, FETCH, PAGE, [("authorization", "Bearer x")], [("cookie", "session=x")]])
async def test_everybody_may_ask(headers: Any) -> None:
    """No sign-in, no proof, no page: one word in JSON, and no cookie set."""
    async with running(make_world()) as world:
        reply = await probe(world, headers=headers)
        assert (reply.status, reply.json()) == (200, {"status": "ok"})
        assert reply.header("content-type") == "application/json"
        assert reply.header("cache-control") == "no-store"
        assert not reply.header("set-cookie")
        assert not world.reached


async def test_a_person_who_owes_a_proof_gets_the_same() -> None:
    """The probe is exempt, whatever the policy demands of the person."""
    async with running(make_world()) as world:
        ann = await world.browser()
        assert (await ann.page("/mfa/health")).json() == {"status": "ok"}


async def test_the_other_methods() -> None:
    """HEAD has no body, and nothing else is taken."""
    async with running(make_world()) as world:
        head = await Browser(world).ask("HEAD", "/mfa/health")
        assert (head.status, head.body) == (200, b"")
        assert (await Browser(world).ask("POST", "/mfa/health", headers=FETCH)).status == 405


async def test_a_store_that_is_away() -> None:
    """The probe gets 503, the code a word, without the store's address or password."""
    store = Counted()
    async with running(make_world(store=store)) as world:
        store.away = True
        reply = await probe(world)
        assert (reply.status, reply.json(), reply.header("retry-after")) == (503, {"status": "degraded"}, "1")
        told = await world.gate.health()
        assert told["store"] == "unavailable"
        assert "secret" not in json.dumps(told)
        store.away = False
        assert (await probe(world)).status == 200


async def test_a_store_that_does_not_open() -> None:
    """Before the first request too: health never raises, and the probe is 503."""
    store = Counted()
    store.away = True
    world = make_world(store=store)
    assert (await world.gate.health())["store"] == "unavailable"
    assert (await probe(world, headers=FETCH)).status == 503
    store.away = False
    assert (await world.gate.health())["store"] == "ok"
    await world.gate.web.aclose()


async def test_keys_that_do_not_fit() -> None:
    """A store that was made with another key is refused, at the start and while it runs."""
    store = MemoryStore()
    async with running(make_world(store=store)):
        pass
    other = make_world(store=store, keys=[key(2)])
    told = await other.gate.health()
    assert told["store"] == "refused"
    assert key(1) not in json.dumps(told)
    assert key(2) not in json.dumps(told)
    async with running(make_world()) as world:
        await world.store.put_meta("canaries", b"k1.unknown")
        assert (await world.gate.health())["store"] == "refused"
        assert (await probe(world)).status == 503


async def test_the_report() -> None:
    """The senders that there are, and the policy in force."""
    senders = Senders(email=Outbox(), sms=Troubled())
    async with running(make_world(senders=senders)) as world:
        assert await world.gate.health() == {
            "store": "ok",
            "senders": {"email": "ok", "sms": "paused"},
            "policy": {"name": "tests", "digest": "0" * 12},
        }


async def test_strangers_cannot_load_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask at once or in a second, the store is asked once."""
    monkeypatch.setattr(health_of, "KEPT", 60.0)
    store = Counted()
    async with running(make_world(store=store)) as world:
        before = store.reads
        await asyncio.gather(*(probe(world) for _ in range(50)))
        once = store.reads - before
        for _ in range(50):
            await probe(world)
        assert store.reads - before == once <= 2


async def test_a_store_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe has an answer in time, and the next one asks anew."""
    async with running(make_world()) as world:

        async def never(name: str, /) -> bytes | None:
            await asyncio.sleep(60)
            return None

        with monkeypatch.context() as hanging:
            hanging.setattr(world.store, "meta", never)
            hanging.setattr(health_of, "PATIENCE", 0.05)
            assert (await probe(world)).status == 503
        assert (await probe(world)).status == 200


async def test_below_a_root_and_another_prefix() -> None:
    """The probe's address moves with the prefix."""
    async with running(make_world(prefix="/2fa")) as world:
        reply = await Browser(world).ask("GET", "/app/2fa/health", root_path="/app")
        assert reply.json() == {"status": "ok"}
        await Browser(world).ask("GET", "/mfa/health")
        assert [path for _, _, path in world.reached] == ["/mfa/health"]
