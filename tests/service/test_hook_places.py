"""The places of hooks in the trails, and the failed events.

They are read back as written, and begin anew when they are damaged.
"""

from __future__ import annotations

import pytest

from mfa_gate.core.events import MOVED, Event
from mfa_gate.service.hook_places import (
    COMMANDS,
    Late,
    Place,
    ends_of,
    is_for,
    late_of,
    load_late,
    load_place,
    place_of,
    save_late,
)
from mfa_gate.stores.memory import MemoryStore

LINE = Event(id="e1", kind="attempt.failed", at=1, tenant="alpha", account="ann")


@pytest.fixture
async def store(store: MemoryStore) -> MemoryStore:
    """A store with a trail."""
    await store.append([LINE])
    return store


async def test_a_place(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """A new hook begins at the beginning, a damaged one behind the newest events."""
    assert await load_place(store, "hook:x") == Place()
    place = Place(at={"alpha": "3", "beta": ""})
    await store.put_meta("hook:x", place.to_bytes())
    assert await load_place(store, "hook:x") == place
    ends = await ends_of(store)
    assert set(ends.at) == {"alpha"}
    for body in (b"{", b"[]", b'{"at": {"a": 5}}', b'{"at": []}', b"[" * 100_000):
        caplog.clear()
        await store.put_meta("hook:x", body)
        assert await load_place(store, "hook:x") == ends
        assert "the place of hook:x in the trails cannot be read" in caplog.text
        assert await store.meta("hook:x") == ends.to_bytes()


async def test_failed_events(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """They are kept by tenant with their tries, and go when all are done."""
    late = {"e1": Late("line", 2, 77)}
    await save_late(store, "hook:x", "alpha", late)
    assert await load_late(store, "hook:x", "alpha") == late
    assert await load_late(store, "hook:x", "beta") == {}
    await save_late(store, "hook:x", "alpha", {})
    assert await store.meta(late_of("hook:x", "alpha")) is None
    for body in (b"{", b"[]", b'{"e": 5}', b"[" * 100_000):
        caplog.clear()
        await store.put_meta(late_of("hook:x", "alpha"), body)
        assert await load_late(store, "hook:x", "alpha") == {}
        assert "the failed events of hook:x in tenant alpha cannot be read" in caplog.text


def test_the_names() -> None:
    """Each application has a place of its own, and shared hooks have one."""
    assert (place_of("lock", None), place_of("lock", ""), place_of("lock", "shop")) == (
        "hook:lock",
        "hook:lock@",
        "hook:lock@shop",
    )


@pytest.mark.parametrize(
    ("of", "app", "wants"),
    [
        ("shop", "shop", True),
        ("desk", "shop", False),
        ("desk", None, True),
        (COMMANDS, "shop", True),
        ("", "shop", False),
    ],
)
def test_whose_event_it_is(of: str, app: str | None, wants: bool) -> None:
    """An application hears its own events and those of commands.

    What was moved from another store was told there.
    """
    event = Event(id="e", kind="k", at=1, tenant="alpha", account="", app=of)
    assert is_for(event, app) is wants
    moved = Event(id="e", kind="k", at=1, tenant="alpha", account="", app=of, detail={MOVED: "x"})
    assert not is_for(moved, app)
