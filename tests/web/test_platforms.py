"""A start on a platform that cannot run the gate stops with one sentence and the way out."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from mfa_gate import SettingsError
from mfa_gate.stores import store_from_url
from mfa_gate.stores.common import platform
from tests.harness import http_scope, make_world
from tests.testing.hosts import gate_for

SENTENCE = "Linux and macOS .POSIX., not on Windows: run the app in WSL, in a container"


def test_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate and the commands' store refuse Windows with the way out.

    They do so before anything of POSIX is touched. Requirement V-25.
    """
    monkeypatch.setattr(platform, "NAME", "nt")
    with pytest.raises(SettingsError, match=SENTENCE):
        gate_for()
    with pytest.raises(SettingsError, match=SENTENCE):
        store_from_url("sqlite:///C:/gate.db")


def without_asyncio(scope: dict[str, Any]) -> list[Any]:
    """Drive the middleware by hand without an asyncio loop, as trio would.

    Returns the messages that it sent.
    """
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(SettingsError, match=r"needs asyncio.*trio.*--worker-class asyncio"):
        cast("Coroutine[Any, Any, None]", make_world().app(scope, receive, send)).send(None)
    return sent


def test_trio_at_start() -> None:
    """V-47: the server is told that the start has failed, and why."""
    [told] = without_asyncio({"type": "lifespan", "asgi": {"version": "3.0"}})
    assert told["type"] == "lifespan.startup.failed"
    assert "mfa_gate needs asyncio" in told["message"]


def test_trio_without_a_lifespan() -> None:
    """V-47: a request that comes without a start raises the same sentence."""
    assert without_asyncio(http_scope("GET", "/"))[0]["status"] == 500


def test_the_readme_says_it(root: Path) -> None:
    """V-25, V-47: both are said where the installation is described."""
    text = (root / "README.md").read_text().partition("## Mount it")[0]
    assert "Linux or macOS (POSIX)" in text
    assert "asyncio" in text
