"""Load the recipes with an address of this process, and serve them there."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from mfa_gate.keyring import make_key
from tests.web.serving import free_port, served

SURROUNDINGS = {
    "MFA_GATE_KEY": make_key(secrets.token_bytes(32)),
    "MFA_GATE_STORE": "memory://",
    "SESSION_SECRET": secrets.token_hex(32),
}


@cache
def port() -> int:
    """Return the port of all recipes in this process.

    It is chosen when it is needed: before that, the processes that share the tests are one.
    """
    return free_port()


@cache
def front_port() -> int:
    """Return the port of a front end on an origin of its own, in the same way."""
    return free_port()


def loaded(module: str, **more: str) -> ModuleType:
    """Import a module that reads its settings from the environment."""
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other people's packages say of each other when they are imported
        addresses = {"APP_ORIGIN": f"http://localhost:{port()}", "FRONT_END": f"http://localhost:{front_port()}"}
        for name, value in (SURROUNDINGS | addresses | more).items():
            environment.setenv(name, value)
        return import_module(module)


class Below:
    """Put an app below ``root``, as a mount does.

    Unlike a mount it hands on the lifespan.
    """

    def __init__(self, app: Any, root: str) -> None:
        self.app = app
        self.root = root

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Tell the app the root; refuse what is not below it."""
        if scope["type"] != "lifespan":
            assert scope["path"].startswith(f"{self.root}/"), scope["path"]
            scope = {**scope, "root_path": self.root}
        await self.app(scope, receive, send)


@contextmanager
def at(app: Any, root: str = "") -> Iterator[str]:
    """Serve ``app`` by uvicorn on our ``port``, below ``root``."""
    with served(Below(app, root) if root else app, port=port()) as origin:
        yield origin
