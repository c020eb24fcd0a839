"""The probe of a gate asks the store once a second."""

from __future__ import annotations

import pytest

from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.service import health as module
from mfa_gate.service.health import HealthCheck
from tests.harness import POLICY, World


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (None, "ok"),
        (StoreUnavailable("away"), "unavailable"),
        (SettingsError(["key"]), "refused"),
        (TimeoutError(), "unavailable"),
    ],
)
async def test_the_word_for_the_store(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception | None, word: str
) -> None:
    """It is told again without another question, for a second."""
    asked, clock = list[float](), [100.0]

    async def unlisted(*_: object) -> frozenset[str]:
        asked.append(clock[0])
        if fault is not None:
            raise fault
        return frozenset()

    monkeypatch.setattr(module, "unlisted", unlisted)
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    check = HealthCheck(world.engine, world.gate.service.sending)
    for at, count in ((100.0, 1), (100.0 + module.KEPT - 0.01, 1), (100.0 + module.KEPT, 2), (99.0, 3)):
        clock[0] = at
        assert await check.of_store() == word
        assert len(asked) == count
    found = await check.look()
    assert (found["store"], found["policy"]["digest"]) == (word, POLICY.digest[:12])
    assert found["senders"] == {"email": "ok", "sms": "ok"}


async def test_a_key_that_is_not_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store holds values that this gate cannot open."""

    async def unlisted(*_: object) -> frozenset[str]:
        return frozenset({"gone"})

    monkeypatch.setattr(module, "unlisted", unlisted)
    assert await HealthCheck(world.engine, world.gate.service.sending).of_store() == "refused"
