"""Operators' files belong to them alone, as the README asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_files() -> Iterator[None]:
    """Let no other user read a file that a test writes.

    A command prints a warning that names a keys file that everybody may read.
    """
    before = os.umask(0o077)
    yield
    os.umask(before)
