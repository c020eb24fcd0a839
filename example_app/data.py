"""Make and remove the files of the data directory."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mfa_gate.keyring import KEY_BYTES, make_key

from .settings import HERE

__all__ = ["keys", "policy_path", "policy_text", "prepare", "read_secret", "reset"]

_KEYS = "keys"
_SESSION_SECRET = "session-secret"
_FIRST_START = "first-start"
_POLICY = "policy.toml"
_LOGO = "logo.svg"
_AGREEMENT = "agreements/data-access.md"
_DATABASES = ("app.db", "gate.db")
_FILES = (_KEYS, _SESSION_SECRET, _FIRST_START, _POLICY, _LOGO, _AGREEMENT, "clock", *_DATABASES)
_SINCE_FIRST_START = re.compile(r"\b1970-01-(\d\d)T00:00:00Z")


def prepare(data: Path) -> None:
    """Make the missing files in ``data``: keys, session secret, and the policy with its dates."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_once(data / _KEYS, lambda: make_key(secrets.token_bytes(KEY_BYTES)))
    _write_once(data / _SESSION_SECRET, lambda: secrets.token_urlsafe(48))
    _write_once(data / _FIRST_START, lambda: str(int(time.time())))
    (data / _AGREEMENT).parent.mkdir(exist_ok=True)
    for name in (_LOGO, _AGREEMENT):
        _replace(data / name, (HERE / name).read_text(encoding="utf-8"))
    first_start = int((data / _FIRST_START).read_text(encoding="ascii"))
    _replace(data / _POLICY, policy_text((HERE / _POLICY).read_text(encoding="utf-8"), first_start))


def policy_text(template: str, first_start: int) -> str:
    """Write the policy with its dates.

    The template counts days from 1970-01-01, which stands for the first start.
    """
    start = datetime.fromtimestamp(first_start, UTC).replace(microsecond=0)

    def dated(match: re.Match[str]) -> str:
        at = start + timedelta(days=int(match[1]) - 1)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    return _SINCE_FIRST_START.sub(dated, template)


def policy_path(data: Path) -> Path:
    """Return the path of the policy in force."""
    return data / _POLICY


def keys(data: Path) -> list[str]:
    """Read the gate's keys, newest first."""
    return (data / _KEYS).read_text(encoding="ascii").split()


def read_secret(data: Path) -> str:
    """Read the secret of the session cookies."""
    return (data / _SESSION_SECRET).read_text(encoding="ascii").strip()


def reset(data: Path) -> None:
    """Remove the files that this app makes, and the directory if that leaves it empty."""
    for name in _FILES:
        (data / name).unlink(missing_ok=True)
    for name in _DATABASES:
        for suffix in ("-wal", "-shm", "-journal", ".created"):
            (data / f"{name}{suffix}").unlink(missing_ok=True)
    for directory in (data / "agreements", data):
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _write_once(path: Path, make: Callable[[], str]) -> None:
    if path.exists():
        return
    _replace(path, make() + "\n")


def _replace(path: Path, text: str) -> None:
    # Written beside it and moved over it: a worker that starts meanwhile reads the old text or the new, never half.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)
