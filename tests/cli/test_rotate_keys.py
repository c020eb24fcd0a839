"""``mfa-gate keys rotate``: afterwards the newest key alone opens the whole store."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfa_gate import MFAGate, Subject
from mfa_gate.cli import main
from mfa_gate.cli.progress import Progress
from mfa_gate.cli.rotate_keys import _told
from mfa_gate.core.rules import FactorRules, Policy, Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.keyring import Keyring, make_key
from mfa_gate.service.maintenance.rotation import Tally, rotate_keys
from mfa_gate.testing import Enrolled, Kit, Outbox

from .doctored import gate

OLD, NEW, OTHER = (make_key(bytes(range(start, start + 32))) for start in (3, 80, 160))
ANN, BOB = Subject("ann", "clinic"), Subject("bob", "clinic")
KINDS = ("totp", "email", "sms", "webauthn", "backup-code")


class Killed(Exception):
    """The end of a rotation in the midst of it."""


Command = Callable[..., tuple[int, dict[str, Any]]]


def gate_with(store: Path, *keys: str) -> MFAGate:
    """A gate over the store."""
    policy = Policy(name="x", digest="0" * 64, base=Rules(factors=FactorRules(allowed=KINDS)), tenants={})

    async def contacts(subject: Subject) -> Any:
        from mfa_gate import Contacts

        return Contacts(email=f"{subject.id}@x.example")

    return gate(
        policy=policy, store=f"sqlite:///{store}", keys=keys, senders=Outbox().senders(), contacts=contacts, clock=None
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store made with the old key: Ann has one of everything, Bob an app."""
    path = tmp_path / "gate.db"

    async def fill() -> None:
        mine = gate_with(path, OLD)
        for kind in KINDS:
            await Kit(mine, keep_store=True).enrolled(ANN, kind)
        await Kit(mine, keep_store=True).enrolled(BOB)
        await mine.service.aclose()

    asyncio.run(fill())
    (tmp_path / "policy.toml").write_text('version = 1\nname = "x"\n')
    return path


@pytest.fixture
def command(store: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command with these keys, newest first."""

    def run(*keys: str) -> tuple[int, dict[str, Any]]:
        (store.parent / "keys").write_text("\n".join(keys))
        files = {"--keys-file": store.parent / "keys", "--policy": store.parent / "policy.toml"}
        options = {"--store": f"sqlite:///{store}", **files, "--actor": "root", "--reason": "yearly"}
        code = main(["keys", "rotate", "--json", *(str(part) for pair in options.items() for part in pair)])
        return code, json.loads(capsys.readouterr().out)

    return run


def opened(store: Path, *keys: str) -> list[dict[str, str]]:
    """Everything that Ann's authenticators show, with these keys alone."""

    async def look() -> list[dict[str, str]]:
        mine = gate_with(store, *keys)
        await mine.web.open()
        service = mine.service
        account = await service.engine.store.load(ANN.key)
        from mfa_gate.core.model import Caller

        caller = Caller(subject=ANN, handle="", network="")
        context = service.challenges.context(caller, service.engine.rules("clinic"), purpose="enroll", account=account)
        found = [
            {
                name: context.open(purpose, item.data[name])
                for name, purpose in BUILT_IN[item.factor].sealed.items()
                if name in item.data
            }
            for item in account.authenticators
        ]
        await service.aclose()
        return found

    return asyncio.run(look())


def test_the_newest_key_alone_opens_everything(store: Path, command: Command) -> None:
    """After a rotation the content is the same, and opens under the new key alone."""
    before = opened(store, OLD)
    code, told = command(NEW, OLD)
    assert (code, told["accounts"], told["resealed"], told["lost"]) == (0, 2, 2, [])
    assert opened(store, NEW) == before
    assert any(before)


def test_it_can_be_repeated(store: Path, command: Command) -> None:
    """A second run, as after one that was stopped, finds nothing to do and writes nothing."""
    command(NEW, OLD)
    bytes_before = opened(store, NEW)
    code, told = command(NEW, OLD)
    assert (code, told["resealed"]) == (0, 0)
    assert opened(store, NEW) == bytes_before


def test_what_cannot_be_sealed_anew_is_told(command: Command) -> None:
    """Backup codes cannot be sealed anew, and the command counts them.

    They are digests. Their owners need the old key until they make new codes.
    """
    assert command(NEW, OLD)[1]["left"] == {"backup-code": 1}


def test_what_no_key_opens_is_told(store: Path, command: Command) -> None:
    """A value of a key that is gone is named, the rest is done, and the exit code is 1."""
    command(NEW, OLD)

    async def strange() -> None:
        mine = gate_with(store, OTHER, NEW)
        await Kit(mine, keep_store=True).enrolled(BOB, "email")
        await mine.service.aclose()
        back = gate_with(store, NEW, OTHER)
        await back.web.open()
        await back.service.aclose()

    asyncio.run(strange())
    code, told = command(NEW)
    assert code == 1
    assert [item.split(" ")[:2] for item in told["lost"]] == [["clinic/bob:", "email"]]


def test_it_is_written_down(store: Path, command: Command) -> None:
    """Two events a tenant record the rotation: its begin, and its count at the end.

    One that is killed has left the first, and the next run adds its own.
    """

    def stop() -> None:
        raise Killed

    async def killed() -> None:
        mine = gate_with(store, NEW, OLD)
        await mine.web.open()
        with pytest.raises(Killed):
            await rotate_keys(mine.service, actor="operator:root", reason="yearly", step=stop)
        await mine.service.aclose()

    asyncio.run(killed())
    command(NEW, OLD)
    command(OTHER, NEW, OLD)

    async def trail() -> Any:
        mine = gate_with(store, OTHER, NEW)
        await mine.web.open()
        page = await mine.service.engine.store.events("clinic", kind="keys.rotated")
        await mine.service.aclose()
        return page.items

    events = asyncio.run(trail())
    assert {(event.actor, event.reason) for event in events} == {("operator:root", "yearly")}
    other, new = Keyring([OTHER]).newest, Keyring([NEW]).newest
    first, second = [{"newest": new}], [{"newest": new}, {"accounts": 1}]
    assert [event.detail for event in reversed(events)] == [*first, *second, {"newest": other}, {"accounts": 2}]


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_every_factor_says_what_it_seals(kind: str) -> None:
    """Every factor names its sealed members; others would be lost with the old key."""
    assert all(name and purpose for name, purpose in BUILT_IN[kind].sealed.items())


@pytest.mark.parametrize("kind", KINDS)
async def test_no_sealed_member_is_forgotten(kind: str, tmp_path: Path) -> None:
    """A member that begins like a ciphertext is declared as sealed, or is a digest."""
    mine = gate_with(tmp_path / "x.db", OLD)
    kit: Enrolled = await Kit(mine, keep_store=True).enrolled(ANN, kind)
    account = await mine.service.engine.store.load(ANN.key)
    item = account.authenticator(kit.id)
    assert item is not None
    newest = mine.service.engine.keyring.newest
    long = {name for name, value in item.data.items() if isinstance(value, str) and value.startswith(newest)}
    assert long <= set(BUILT_IN[kind].sealed)
    await mine.service.aclose()


@pytest.mark.parametrize(
    ("keys", "more", "says"),
    [
        ((NEW,), {}, ""),
        ((NEW, OLD), {}, "nothing that is stored needs {old} any more."),
        ((NEW, OLD, OTHER), {}, "nothing that is stored needs {old}, {other} any more."),
        ((NEW, OLD), {"lost": ["the app of clinic/ann"]}, "lost: the app of clinic/ann was sealed with a key that"),
        ((NEW, OLD), {"failed": ["the account clinic/ann"]}, "passed over: the account clinic/ann"),
        (
            (NEW, OLD),
            {"left": {"push": 2}},
            "push: 2 accounts still need an older key; it ends when the phone is opened",
        ),
        (
            (NEW, OLD),
            {"left": {"totp": 3}},
            "totp: 3 accounts still need an older key; it ends when they are made anew",
        ),
    ],
)
def test_a_key_that_is_still_needed_is_not_called_idle(keys: tuple[str, ...], more: dict[str, Any], says: str) -> None:
    """An operator who takes a key out too early locks people out."""
    new, old, other = (Keyring([key]).newest for key in (NEW, OLD, OTHER))
    head, *rest = _told(Tally(accounts=5, resealed=4, **more), Keyring(keys), BUILT_IN).splitlines()
    assert head == f"4 of 5 accounts sealed anew under {new}"
    assert [line[: len(says.format(old=old, other=other))] for line in rest] == (
        [says.format(old=old, other=other)] if says else []
    )


def test_progress_is_for_terminals() -> None:
    """On a terminal one line counts, and ends with the work; into a pipe nothing is written."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown, piped = Terminal(), io.StringIO()
    for stream in (shown, piped):
        with Progress("sealing", total=3, stream=stream) as progress:
            for _ in range(3):
                progress.step()
    assert shown.getvalue().endswith("\r\x1b[Ksealing: 3 of 3 (100 %)\n")
    assert shown.getvalue().count("\n") == 1
    with Progress("reading", stream=shown) as progress:
        progress.step(2)
    assert shown.getvalue().endswith("\r\x1b[Kreading: 2\n")
    assert piped.getvalue() == ""
