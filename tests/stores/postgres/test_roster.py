"""Counts of the people of a tenant, which each swap keeps, and the questions of a search."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.stores.postgres import PostgresStore, roster
from mfa_gate.testing.store_suite import enrolled

from .. import postgres_servers
from ..patience import POSTGRES
from ..postgres_servers import schema_of

pytestmark = pytest.mark.waits
PEOPLE = 24


def lives(key: SubjectKey, number: int) -> list[Account]:
    """Return the states of an account in turn; each person begins with another one."""
    lock = Lock(at=50, cause="attempts", ref="r")
    states = [enrolled(key), enrolled(key, lock=lock), Account(key=key)]
    gone = [] if number % 4 else [replace(enrolled(key), forgotten_at=9).without_person()]
    return [*states[number % 3 :], *states[: number % 3], *gone]


async def test_the_counts_keep_up() -> None:
    """The counts are those of the lines, while several workers change people.

    The people of two tenants change their status in opposite directions, so their counts are wanted in any order.
    """
    server = postgres_servers.shared()
    url = server.schema()
    stores = [PostgresStore(url, timing=POSTGRES) for _ in range(2)]
    for store in stores:
        await store.open()

    async def live(store: PostgresStore, key: SubjectKey, number: int) -> None:
        for version, account in enumerate(lives(key, number)):
            assert await store.swap(replace(account, version=version))

    keys = [SubjectKey(tenant, f"u{number}") for number in range(PEOPLE) for tenant in ("clinic", "archive")]
    await asyncio.gather(*(live(stores[number % 2], key, number) for number, key in enumerate(keys)))
    schema = schema_of(url)
    counted = server.say(f"SELECT tenant, status, count(*) FROM {schema}.roster GROUP BY 1, 2 ORDER BY 1, 2")
    assert counted == server.say(f"SELECT * FROM {schema}.tally WHERE people <> 0 ORDER BY 1, 2")
    assert sum((await stores[0].counts("clinic")).values()) == sum(row[2] for row in counted if row[0] == "clinic")
    for store in stores:
        await store.aclose()


class Asked:
    """A session that keeps the questions, and has nobody with the name."""

    schema = "s"

    def __init__(self, *, has_trigrams: bool, borders: int) -> None:
        """Let the people be so many pieces and one."""
        self.found = SimpleNamespace(has_trigrams=has_trigrams)
        self.left = borders
        self.statements: list[str] = []

    async def row(self, statement: str, values: object, *, is_list: bool) -> tuple[str] | None:
        """Return the border of a piece."""
        assert is_list
        self.left -= 1
        return ("x",) if self.left >= 0 else None

    async def rows(self, statement: str, values: object, *, is_list: bool) -> list[Any]:
        """Return nobody."""
        assert is_list
        self.statements.append(statement)
        return []


@pytest.mark.parametrize(
    ("query", "has_trigrams", "borders", "by_index"),
    [("ann", True, 1, 1), ("ann", True, 0, 0), ("ann", False, 3, 0), ("an", True, 3, 0), ("", True, 3, 0)],
)
async def test_the_index_answers_one_question_only(query: str, has_trigrams: bool, borders: int, by_index: int) -> None:
    """A look at one person after the other is no question that the index of names can answer.

    A plan that is made without knowing the word would read all of the index for a word of one letter.
    """
    asked: Any = Asked(has_trigrams=has_trigrams, borders=borders)
    await roster.page(asked, "clinic", status="", query=query, after="", limit=5)
    *looks, last = [statement.partition("WHERE")[2] for statement in asked.statements]
    assert [" LIKE " in statement for statement in (*looks, last)] == [False] * len(looks) + [bool(by_index)]
    assert len(looks) == (0 if not query else 1 if by_index else borders)
