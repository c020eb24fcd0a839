"""The directory and the address of a gated app of these tests, from the environment."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(os.environ.get("THIRD_PARTY_DIR", "."))
ORIGIN = os.environ.get("THIRD_PARTY_ORIGIN", "http://localhost:8000")
KEY = (HERE / "key").read_text().strip() if (HERE / "key").exists() else ""
