"""Refuse a platform on which nobody has tried the gate."""

from __future__ import annotations

import os

__all__ = ["fault_of_platform"]

NAME = os.name


def fault_of_platform() -> str:
    """Return the fault of this platform with its fix, or "" where the gate runs.

    On Windows there are no locks between processes as the stores use them, no users of files, and no forks.
    """
    if NAME != "nt":
        return ""
    return (
        "platform: mfa_gate runs on Linux and macOS (POSIX), not on Windows: run the app in WSL, in a container, or on one "
        "of those"
    )
