"""The world that the attacks happen in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.harness import World, make_world, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A fresh host with its gate."""
    async with running(make_world()) as made:
        yield made
