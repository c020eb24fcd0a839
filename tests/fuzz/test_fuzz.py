"""Each door keeps its promise for any bytes, new ones and those that once broke it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from .search import Search, fails
from .target import Target
from .targets import TARGETS

LONG = 60.0
"""Seconds for each door with ``--long``. For hours: ``python -m tests.fuzz --minutes 600``."""
BY_NAME = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep thousands of warnings out of the report."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@BY_NAME
def test_any_bytes(target: Target) -> None:
    """S-80, S-105: good inputs, those that were found once, and some hundred new ones."""
    check = target.make()
    try:
        for data in (*target.seeds(), *target.found):
            where, told = fails(check, data)
            assert not where, (data, told)
    finally:
        target.close()
    for broken in Search(target).run(inputs=target.quick):
        raise AssertionError(f"{target.promise}: {broken.data!r}\n{broken.told}")


@pytest.mark.long
@BY_NAME
def test_any_bytes_for_long(target: Target) -> None:
    """The same, with other inputs, and led to lines that were not reached yet."""
    for broken in Search(target, seed="long", guided=True).run(seconds=LONG):
        raise AssertionError(f"{target.promise}: {broken.data!r}\n{broken.told}")
