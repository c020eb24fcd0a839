"""A new key comes first, and all workers start again: nobody is asked anew."""

from __future__ import annotations

from tests.harness import key

from ..deed import Deed
from ..stage import Stage
from .workers import restart

MOST = 3


def new_key(life: Stage) -> None:
    """Put a new key in front of the others."""
    if len(life.keys) < MOST:
        life.keys = [key(len(life.keys) + 1), *life.keys]
        for number in range(len(life.worlds)):
            restart(life, number)


DEEDS = (Deed(new_key, often=0.3),)
