"""The Chromium that the tests drive, and the options of its start."""

from __future__ import annotations

import shutil
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The shell without a window comes first: it renders and runs scripts the same, at a third of the processor time."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def found() -> str:
    """Return the path of the browser; tests/run.py makes sure that there is one."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    assert path is not None, "Chromium is missing: python3 tests/run.py installs it"
    return path


def launch() -> dict[str, Any]:
    """Return the arguments of ``playwright.chromium.launch``."""
    return {"executable_path": found(), "args": ARGUMENTS}
