"""Each event loop has a session of its own, which one caller starts for all."""

from __future__ import annotations

import asyncio

import pytest

from mfa_gate.stores.common.loop_sessions import LoopSessions


class Session:
    """The session of the loop that makes it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.forked = False


async def test_one_caller_starts_for_all() -> None:
    """Many that come at once share one start, and later ones the session."""
    sessions, started = LoopSessions[Session](), list[Session]()

    async def start() -> Session:
        await asyncio.sleep(0)
        started.append(Session())
        sessions.add(started[-1])
        return started[-1]

    assert sessions.of_this_loop() is None
    found = await asyncio.gather(*(sessions.started(start) for _ in range(5)))
    assert len(started) == 1
    assert all(one is started[0] for one in (*found, await sessions.started(start), sessions.of_this_loop()))
    assert sessions._starting == {}


async def test_a_start_that_fails_is_made_again() -> None:
    """All who waited are told, and the next caller tries anew.

    One that was cancelled stops nobody's start.
    """
    sessions, tries = LoopSessions[Session](), list[int]()

    async def start() -> Session:
        tries.append(1)
        await asyncio.sleep(0.01)
        if len(tries) == 1:
            raise OSError("away")
        sessions.add(made := Session())
        return made

    found = await asyncio.gather(*(sessions.started(start) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in found] == ["away"] * 3
    hasty, patient = (asyncio.ensure_future(sessions.started(start)) for _ in range(2))
    await asyncio.sleep(0)
    hasty.cancel()
    assert await patient is sessions.of_this_loop()
    assert len(tries) == 2


def test_sessions_of_loops_that_have_ended_go() -> None:
    """A session goes when another is added after its loop has ended.

    Those of living loops stay.
    """
    sessions = LoopSessions[Session]()

    async def add() -> Session:
        made = Session()
        sessions.add(made)
        return made

    living = asyncio.new_event_loop()
    stays = living.run_until_complete(add())
    asyncio.run(add())
    asyncio.run(add())
    assert len(sessions._sessions) == 2
    assert sessions._sessions[living] is stays
    living.close()


def test_the_session_of_a_parent_process_goes() -> None:
    """In a child its parent's session is started anew, and is known as such until then."""
    sessions = LoopSessions[Session]()

    async def both() -> None:
        parents = Session()
        sessions.add(parents)
        assert not sessions.any_forked
        parents.forked = True
        assert sessions.any_forked

        async def start() -> Session:
            sessions.add(made := Session())
            return made

        mine = await sessions.started(start)
        assert mine is not parents
        assert (sessions.of_this_loop(), sessions.any_forked) == (mine, False)
        assert sessions.take_all() is mine
        assert sessions.of_this_loop() is None

    asyncio.run(both())
    assert sessions.of_this_loop() is None, "outside of a loop there is none"


@pytest.mark.parametrize("name", ["take_all", "of_this_loop"])
async def test_another_loops_session_is_not_ours(name: str) -> None:
    """A session is used on the loop that made it, and nowhere else (F-40)."""
    sessions = LoopSessions[Session]()

    async def add() -> None:
        sessions.add(Session())

    other = asyncio.new_event_loop()
    await asyncio.to_thread(other.run_until_complete, add())
    assert getattr(sessions, name)() is None
    other.close()
