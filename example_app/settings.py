"""Carry the settings of the example app to every worker by environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DEFAULT_DATA", "HERE", "Settings"]

HERE = Path(__file__).resolve().parent
DEFAULT_DATA = HERE.parent / ".data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold the settings. ``data`` is the directory of everything that is written.

    ``store`` is the gate's store, by default a file in there. ``ready`` starts with practice and clinic turned on.
    """

    data: Path = DEFAULT_DATA
    host: str = "127.0.0.1"
    port: int = 8000
    store: str = ""
    ready: bool = False

    @property
    def store_url(self) -> str:
        """Return the URL of the gate's store."""
        return self.store or f"sqlite:///{self.data.resolve() / 'gate.db'}"

    @property
    def origin(self) -> str:
        """Return the origin of the app. WebAuthn wants ``localhost``, not an address."""
        return f"http://localhost:{self.port}"

    def to_environ(self) -> dict[str, str]:
        """Write the variables that ``from_environ`` reads back in a worker."""
        return {
            "EXAMPLE_APP_DATA": str(self.data),
            "EXAMPLE_APP_HOST": self.host,
            "EXAMPLE_APP_PORT": str(self.port),
            "EXAMPLE_APP_STORE": self.store,
            "EXAMPLE_APP_READY": "1" if self.ready else "",
        }

    @classmethod
    def from_environ(cls) -> Settings:
        """Read the settings of this process; a variable that is not set has its default."""
        return cls(
            data=Path(os.environ.get("EXAMPLE_APP_DATA") or DEFAULT_DATA),
            host=os.environ.get("EXAMPLE_APP_HOST") or "127.0.0.1",
            port=int(os.environ.get("EXAMPLE_APP_PORT") or 8000),
            store=os.environ.get("EXAMPLE_APP_STORE", ""),
            ready=bool(os.environ.get("EXAMPLE_APP_READY")),
        )
