"""The world that the attacks happen in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest

from tests.attacks.doomed import Deed, Kill
from tests.attacks.killed import Ground, Killed, prepared
from tests.attacks.killing import EACH, ORIGINS, PARENTS
from tests.beside import beside
from tests.stores import postgres_servers
from tests.stores.servers import single


class Strike(Protocol):
    """A function that does the deeds on copies of a ground and strikes their ``victim``.

    ``sample`` is the number of strikes of a deed, 0 for all; ``seed`` that of the dice.
    """

    def __call__(
        self, ground: Ground, deeds: dict[str, Deed], *, victim: str = "worker", sample: int = 0, seed: int = 0
    ) -> Killed: ...


@pytest.fixture(scope="module")
def strike() -> Iterator[Strike]:
    """The strikes of this module, in another interpreter."""
    with beside("tests.attacks.killing") as ask:

        def strike(
            ground: Ground, deeds: dict[str, Deed], *, victim: str = "worker", sample: int = 0, seed: int = 0
        ) -> Killed:
            what = {
                "stores": ground.stores,
                "marks": str(ground.marks),
                "now": ground.now,
                "deeds": deeds,
                "victim": victim,
                "sample": sample,
                "seed": seed,
            }
            kills = [Kill(**found) for found in ask(what)]
            print(f"{len(kills)} strikes at the {victim}; the dice begin with {seed}")
            return Killed(ground=ground, kills=kills)

        yield strike


@pytest.fixture(scope="module", params=["sqlite", "redis", "postgres"])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A store of each kind, and another one in which a single attempt is left.

    The usual run makes all kills on a file, where they are cheap, and some on a server.
    """
    base = tmp_path_factory.mktemp("kills")
    sample = 0 if request.param == "sqlite" else 2
    with ExitStack() as stack:
        if request.param == "sqlite":
            (base / "0").mkdir()
            stores = f"sqlite:///{base}/{{}}/mfa.db"
        elif request.param == "redis":
            durable = ("--appendonly", "yes", "--appendfsync", "always", "--databases", str(ORIGINS + PARENTS * EACH))
            stores = f"redis://127.0.0.1:{stack.enter_context(single(base, *durable)).port}/{{}}"
        else:
            postgres = stack.enter_context(postgres_servers.server())
            postgres.say("CREATE DATABASE kill0")
            stores = f"postgresql://gate@127.0.0.1:{postgres.port}/kill{{}}"
        yield asyncio.run(prepared(stores, base / "marks", sample=sample))
