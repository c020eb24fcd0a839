"""Load the recipes with an address of this process, and serve them there."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from mfa_gate.keyring import make_key
from tests.web.serving import free_port, served

PORT = free_port()
ORIGIN = f"http://localhost:{PORT}"
FRONT_PORT = free_port()
SURROUNDINGS = {
    "APP_ORIGIN": ORIGIN,
    "FRONT_END": f"http://localhost:{FRONT_PORT}",
    "MFA_GATE_KEY": make_key(secrets.token_bytes(32)),
    "MFA_GATE_STORE": "memory://",
    "SESSION_SECRET": secrets.token_hex(32),
}


def loaded(module: str, **more: str) -> ModuleType:
    """Import a module that reads its settings from the environment."""
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other people's packages say of each other when they are imported
        for name, value in (SURROUNDINGS | more).items():
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
    """Serve ``app`` by uvicorn at ``ORIGIN``, below ``root``."""
    with served(Below(app, root) if root else app, port=PORT) as origin:
        yield origin
