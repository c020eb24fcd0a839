"""``kill -9`` at any moment of any step, and other strikes.

Nothing succeeds twice, no attempt comes back, and afterwards everything works.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Account
from tests.attacks.conftest import Strike
from tests.attacks.doomed import Deed, Kill
from tests.attacks.killed import HANDLE, MOMENTS, Ground, Killed
from tests.attacks.worker import KEY

pytestmark = pytest.mark.slow
MIN_CALLS = {"wrong": 4, "last": 4, "right": 4, "code": 4, "confirm": 5, "send": 5}
ON_A_FILE = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def killed(ground: Ground, strike: Strike) -> Killed:
    """Every deed killed before, after and inside every call of the store, or some of it."""
    return strike(ground, ground.deeds, sample=ground.sample)


@ON_A_FILE
def test_the_kills_are_everywhere(killed: Killed) -> None:
    """The harness kills before, after and inside each of the calls, and at the end.

    Some kills come after the comparison, and some after the message went out.
    """
    for name, least in MIN_CALLS.items():
        kills = killed.of(name)
        calls = max(kill.at for kill in kills)
        assert calls >= least
        assert Counter(kill.moment for kill in kills) == dict.fromkeys(MOMENTS, calls) | {"end": 1}
    for name in ("wrong", "right", "code", "last"):
        assert {killed.compared(kill) for kill in killed.of(name)} == {0, 1}
    assert {killed.sent(kill) for kill in killed.of("send")} == {0, 1}


async def test_no_comparison_without_a_charge(killed: Killed) -> None:
    """A comparison is charged, or all of its success is there, wherever the process died.

    Requirements S-31, S-37, F-10.
    """

    async def judge(kill: Kill) -> None:
        before = killed.ground.before[kill.deed].attempts
        async with killed.opened(kill) as world:
            account = await world.store.load(KEY)
            granted = account.browser(_after(account)) is not None
            if account.attempts.series == before.series:
                charged = account.attempts.used - before.used
                assert charged in (0, 1)
                assert charged or not killed.compared(kill), f"compared for nothing: {kill}"
                assert charged or not killed.written(kill), f"given back: {kill}"
                assert not granted
            else:
                assert account.attempts.used == 0
                assert granted
                asked = [c for c in account.challenges if c.purpose == "sign-in"]
                assert all(c.spent_at for c in asked)
                assert asked or kill.deed != "code", "a code that was answered is remembered, so that it is none again"

    await killed.judged(judge, "wrong", "last", "right", "code")


def _after(account: Account) -> str:
    """Return the handle that a success of these tests gave, or "" if there was none."""
    found = [b.handle for b in account.browsers if b.twin and b.twin.handle == handle_digest(HANDLE)]
    return found[0] if found else ""


async def test_no_double_success(killed: Killed) -> None:
    """The same answer again makes one success in all, at once or later, from any browser.

    Either it was committed and is used up, or it was not and still works. Requirements F-10, F-11.
    """

    async def judge(kill: Kill) -> None:
        async with killed.opened(kill) as world:
            proofs = len((await world.store.events("alpha", kind="proof.granted")).items)
            assert proofs == 3 or killed.written(kill) < 2, f"lost: {kill}"
            outcome = await killed.again(world, kill)
            assert outcome == ("granted" if proofs == 2 else "again"), f"{outcome} with {proofs} proofs: {kill}"
            total = len((await world.store.events("alpha", kind="proof.granted")).items)
            assert total == 3, "two of the enrollments, one of this answer"
        async with killed.opened(kill, later=31) as world:
            outcome = await killed.again(world, kill)
            assert outcome in ("code_already_used", "wrong_code"), f"{outcome} later: {kill}"
            assert len((await world.store.events("alpha", kind="proof.granted")).items) == 3

    await killed.judged(judge, "right", "code")


async def test_the_last_attempt(killed: Killed) -> None:
    """The seventh attempt stays spent.

    A moment later the account is locked, once, and nothing more is compared. Requirements F-10, S-35.
    """

    async def judge(kill: Kill) -> None:
        async with killed.opened(kill, later=40) as world:
            account = await world.store.load(KEY)
            spent = account.attempts.used == 7
            assert spent or not killed.written(kill), f"given back: {kill}"
            assert account.lock or killed.written(kill) < 2, f"lost: {kill}"
            assert await killed.again(world, kill) == ("locked" if spent else "wrong_code"), kill
            assert await killed.again(world, kill) == "locked", kill
            account = await world.store.load(KEY)
            assert account.lock is not None
            assert len((await world.store.events("alpha", kind="account.locked")).items) == 1
            assert killed.compared(kill) <= 1

    await killed.judged(judge, "last")


async def test_an_enrollment(killed: Killed) -> None:
    """A confirmation counts whole or not at all.

    There is an authenticator with its proof and its event, or none of them. It can be had afterwards. Requirement F-10.
    """

    async def judge(kill: Kill) -> None:
        async with killed.opened(kill) as world:
            account = await world.store.load(KEY)
            kinds = [a.factor for a in account.authenticators]
            told_of = (await world.store.events("alpha", kind="factor.enrolled")).items
            assert kinds.count("sms") in ((0, 1) if killed.written(kill) < 2 else (1,)), kill
            assert len(told_of) == 2 + kinds.count("sms"), kill
            assert bool(account.enrollments) is not bool(kinds.count("sms"))
            outcome = await killed.again(world, kill)
            assert outcome == ("granted" if not kinds.count("sms") else "again"), (kill, outcome)

    await killed.judged(judge, "confirm")


async def test_a_send(killed: Killed) -> None:
    """S-50: a code that may have gone out is counted as sent: a crash buys no extra message."""
    before = killed.ground.before["send"]

    async def judge(kill: Kill) -> None:
        async with killed.opened(kill) as world:
            account = await world.store.load(KEY)
            new = [c for c in account.challenges if c not in before.challenges]
            assert len(account.sent) == len(before.sent) + len(new)
            assert max(killed.sent(kill), killed.written(kill)) <= len(new) <= 1, kill

    await killed.judged(judge, "send")


async def test_life_goes_on(killed: Killed) -> None:
    """After every crash the owner gets in with the next code, unless the account is locked."""

    async def judge(kill: Kill) -> None:
        async with killed.opened(kill, later=120) as world:
            ann = await world.browser()
            assert (await ann.prove(killed.ground.secret)).status == 200, kill
            assert await ann.is_in()

    await killed.judged(judge, "wrong", "right", "code", "confirm", "send")


CHECKS = (
    test_no_comparison_without_a_charge,
    test_no_double_success,
    test_the_last_attempt,
    test_an_enrollment,
    test_a_send,
    test_life_goes_on,
)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 50))
async def test_fifty_times(ground: Ground, strike: Strike, seed: int) -> None:
    """Fifty rounds of kills, with the one above, keep all of these properties.

    Each round kills inside each call at another moment. Requirements S-31, S-35, S-44, F-10.
    """
    killed = await asyncio.to_thread(strike, ground, ground.deeds, seed=seed)
    test_the_kills_are_everywhere(killed)
    for check in CHECKS:
        await check(killed)


OTHERS = [("sqlite", "caller"), ("redis", "caller"), ("postgres", "caller"), ("postgres", "session")]
SOME = [pytest.param(*other, 1, id="-".join([*other, "some"])) for other in OTHERS]
ALL = [
    pytest.param(*other, 0, id="-".join([*other, "all"]), marks=pytest.mark.long)
    for other in [*OTHERS, ("postgres", "server")]
]


@pytest.mark.parametrize(("ground", "victim", "sample"), [*SOME, *ALL], indirect=["ground"])
async def test_other_victims(ground: Ground, strike: Strike, victim: str, sample: int) -> None:
    """The same holds where the caller is cancelled, or a session on the server ends.

    Both happen at every call, or at some. Requirements S-31, S-44, S-117, F-10, F-12.
    """
    deeds = {name: deed for name, deed in ground.deeds.items() if not sample or name in ("last", "right", "confirm")}
    struck = await asyncio.to_thread(strike, ground, deeds, victim=victim, sample=sample)
    # The worker lives: it gives the attempt of a right answer back that could not be settled, and no other one.
    await test_no_comparison_without_a_charge(replace(struck, kills=struck.of("wrong", "last")))
    for check in CHECKS[1:]:
        await check(struck)


MISTAKES: dict[str, Deed] = {
    "wrong": {"mistake": "counter", "moments": ["before"]},
    "right": {"mistake": "success", "moments": ["before"]},
    "code": {"mistake": "swap", "moments": ["inside"] * 4},
}


@pytest.fixture(scope="module")
def mistaken(ground: Ground, strike: Strike) -> Killed:
    """The same kills of deeds that have a mistake.

    One has a counter that is read and then written. One has a success in two writes. One has a store that writes an
    account first and its events afterwards, which shows only inside a call.
    """
    return strike(ground, {name: ground.deeds[name] | mistake for name, mistake in MISTAKES.items()})


IN_A_SERVER = [pytest.param(name, marks=pytest.mark.long) for name in ("redis", "postgres")]


@pytest.mark.parametrize("ground", ["sqlite", *IN_A_SERVER], indirect=True)
@pytest.mark.parametrize(
    ("name", "fault", "check"),
    [
        ("wrong", "compared for nothing", test_no_comparison_without_a_charge),
        ("right", "granted later", test_no_double_success),
        ("code", "again with 2 proofs", test_no_double_success),
    ],
)
async def test_the_kills_bite(mistaken: Killed, name: str, fault: str, check: Callable[[Killed], Any]) -> None:
    """The tests above can fail: each of the mistakes is found out."""
    with pytest.raises(AssertionError, match=fault):
        await check(replace(mistaken, kills=mistaken.of(name)))
