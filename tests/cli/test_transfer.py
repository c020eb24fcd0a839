"""``mfa-gate accounts export`` and ``import``: nothing is lost between SQLite and Redis.

The commands are killed on the way.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import sqlite3
import stat
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import Subject
from mfa_gate.cli import main
from mfa_gate.core import codec
from mfa_gate.core.events import MOVED
from mfa_gate.core.model import Attempts, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import SendFailed, SettingsError
from mfa_gate.keyring import Keyring
from mfa_gate.service import Actor, Done
from mfa_gate.service.hook_places import Late, load_late, save_late
from mfa_gate.service.maintenance.export import export_store
from mfa_gate.service.maintenance.restore import joined, restore_export
from mfa_gate.service.outbox import FIRST_WAIT, LAG
from mfa_gate.service.undelivered import OWN, SHARED
from mfa_gate.storage import Store
from mfa_gate.stores.redis.names import keys_of
from mfa_gate.testing.store_suite import enrolled, event
from tests.beside import ran
from tests.harness import World, key, make_world, running, with_rules
from tests.service.test_outbox import Ear
from tests.stores import postgres_servers, servers

from .house import TENANTS, WORDS, Contents, be_of_before, contents, fill, on
from .store import WHO, Run, prepare, runner

OPERATOR = Actor(name="operator:eve")
DESK = with_rules(
    lambda rules: replace(
        rules,
        enrollment=replace(rules.enrollment, stage="admin", checklist="advice"),
        factors=replace(rules.factors, choice="tenant"),
    )
)

Url = Callable[[str], str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """One Redis with a database for each store."""
    with servers.single(tmp_path_factory.mktemp("house"), "--appendonly", "yes") as server:
        yield server


@pytest.fixture
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Url:
    """The URL of an empty store: ``sqlite…``, ``redis…`` or ``postgres…``.

    The same name is the same store.
    """
    known: dict[str, str] = {}

    def url(name: str) -> str:
        if name not in known and name.startswith("redis"):
            server: servers.Server = request.getfixturevalue("server")
            if not any(url.startswith("redis") for url in known.values()):
                server.say("FLUSHALL")
            known[name] = f"redis://127.0.0.1:{server.port}/{len(known)}"
        if name not in known and name.startswith("postgres"):
            known[name] = postgres_servers.shared().schema()
        return known.setdefault(name, f"sqlite:///{tmp_path}/{name}.db")

    return url


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; ``--store`` says on which store."""
    prepare(tmp_path, monkeypatch)
    return runner(capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of the export."""
    return tmp_path / "house.export"


def leave(run: Run, url: str, file: Path) -> tuple[int, Any]:
    """The export."""
    return run("accounts", "export", "--to", str(file), "--store", url)


def arrive(run: Run, url: str, file: Path) -> tuple[int, Any]:
    """The import."""
    return run("accounts", "import", "--from", str(file), "--store", url, *WHO)


def refused(capsys: pytest.CaptureFixture[str], *command: str | Path) -> str:
    """Return the text of wrong use."""
    capsys.readouterr()
    assert main([str(word) for word in command]) == 2
    return capsys.readouterr().err


def held(url: str) -> Contents:
    """All that a store holds."""
    found = on(url, contents)
    assert isinstance(found, Contents)
    return found


def written(url: str, *lines: Any) -> None:
    """Lines more in a store's trail."""
    on(url, lambda store: store.append(lines))


# -- what moves --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("road", "people"),
    [
        (("sqlite", "redis", "sqlite-2"), 8),
        pytest.param(("redis", "sqlite", "redis-2"), 20, marks=pytest.mark.long),
        (("sqlite", "postgres", "redis"), 8),
        (("redis", "postgres", "sqlite"), 8),
    ],
)
def test_everything_arrives(run: Run, urls: Url, tmp_path: Path, road: tuple[str, str, str], people: int) -> None:
    """There and on again, account by account, tenants turned on, the trail line by line.

    Repeated, nothing is brought twice.
    """
    first, *others = (urls(name) for name in road)
    on(first, lambda store: fill(store, people=people))
    before = held(first)
    everybody = 3 * people + 10
    assert len(before.accounts) == everybody
    assert all(before.claims.values())
    for number, (here, there) in enumerate(zip([first, *others], others, strict=False)):
        file = tmp_path / f"{number}.export"
        code, left = leave(run, here, file)
        assert (code, left["exported"], left["broken"], left["changed"]) == (0, everybody, {}, [])
        code, came = arrive(run, there, file)
        assert (code, came["imported"], came["kept"], came["settings"], came["whole"]) == (0, everybody, 0, 2, True)
        assert came["lines"] == left["lines"]
        assert held(there) == before
        assert run("audit", "verify", "--store", there)[0] == 0
        lines = {tenant: len(trail) for tenant, trail in on(there, _trails).items()}
        code, again = arrive(run, there, file)
        assert (code, again["imported"], again["kept"], again["lines"], again["settings"]) == (0, 0, everybody, 0, 0)
        assert {tenant: len(trail) for tenant, trail in on(there, _trails).items()} == lines


async def _trails(store: Store) -> dict[str, Any]:
    return {tenant: (await store.trail(tenant, limit=10_000)).items for tenant in await store.trails()}


def test_the_trail_goes_on(run: Run, urls: Url, file: Path) -> None:
    """The trail has the history first, and then the lines of the move itself.

    Each line says when it came. The lines that the new store had of its own stay.
    """
    here, there = urls("sqlite"), urls("redis")
    on(here, fill)
    own = event(9000, key=SubjectKey("alpha", "person-001"), kind="account.unlocked")
    on(there, be_of_before)
    written(there, own)
    code, came = arrive(run, there, file) if leave(run, here, file)[0] == 0 else (2, {})
    assert (code, came["differ"]) == (0, [])
    lines = on(there, _trails)["alpha"]
    kinds = [line.kind for line in lines]
    assert lines[0] == own
    assert kinds.index("store.imported") == 1 + 20 + 120
    assert set(kinds[141:]) == {"store.imported"}
    assert all(MOVED in line.detail for line in lines[1:141])
    told = lines[141]
    assert (told.account, told.actor, told.reason) == ("", "operator:eve", "asked in person")
    assert (told.detail["lines"], told.detail["pruned"], told.detail["broken"]) == (140, 0, 0)
    assert on(there, _trails)["beta"][-31 - 1].detail["pruned"] == 7
    assert len({line.id for line in lines if line.kind == "store.imported"}) == 21


def test_a_tenant_that_was_on_is_on(run: Run, tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant that an administrator turned on is on in the new store.

    Decision 19. A person who has proven a factor is not asked again.
    """
    here, there = f"sqlite:///{tmp_path}/mfa.db", f"sqlite:///{tmp_path}/new.db"

    async def turned_on() -> dict[str, str]:
        async with running(make_world(policy=DESK, store=here)) as world:
            desk = world.gate.service.tenant_desk
            assert await desk.set(OPERATOR, "alpha", enabled=True, factors=("totp",), confirm="alpha") is None
            return (await world.enrolled("ann")).cookies

    async def look(cookies: dict[str, str]) -> None:
        async with running(make_world(policy=DESK, store=there)) as world:
            ann = await world.browser("ann", cookies=cookies)
            assert (await ann.state())["state"] == "verified"
            assert (await (await world.browser("ann")).state())["state"] == "challenge"
            zoe = await world.browser("zoe")
            assert (await zoe.state())["enrollable"] == ["totp"]
            assert not await zoe.is_in()

    cookies = asyncio.run(turned_on())
    assert leave(run, here, file)[0] == 0
    assert arrive(run, there, file)[0] == 0
    asyncio.run(look(cookies))


NOTHING = TenantSettings(tenant="t")
ON = TenantSettings(tenant="t", enabled_at=5, factors=("webauthn",), announced_at=6, tested_at=7)
PREPARED = TenantSettings(tenant="t", version=3, factors=("totp",))


@pytest.mark.parametrize(
    ("mine", "theirs", "after"),
    [
        (NOTHING, ON, ON),
        (replace(ON, version=4), NOTHING, replace(ON, version=4)),
        (replace(ON, version=4), replace(ON, enabled_at=1, factors=("sms",)), replace(ON, version=4)),
        (PREPARED, ON, replace(PREPARED, enabled_at=5, announced_at=6, tested_at=7)),
        (replace(ON, version=4, factors=()), ON, replace(ON, version=4)),
        (PREPARED, NOTHING, PREPARED),
        (NOTHING, NOTHING, NOTHING),
    ],
)
def test_no_tenant_becomes_weaker(mine: TenantSettings, theirs: TenantSettings, after: TenantSettings) -> None:
    """A tenant that is on stays on, and a choice that was made here stands.

    A tenant that only the old store had turned on is turned on.
    """
    assert joined(mine, theirs) == after


def test_settings_that_differ_are_told(run: Run, urls: Url, file: Path) -> None:
    """A tenant that is on in the new store with a choice of its own keeps it.

    The answer is no, and names it.
    """
    here, there = urls("sqlite"), urls("sqlite-2")
    on(here, fill)
    own = TenantSettings(tenant="beta", enabled_at=1, factors=("webauthn",))
    on(there, lambda store: store.swap_settings(own))
    assert leave(run, here, file)[0] == 0
    code, came = arrive(run, there, file)
    assert (code, came["differ"], came["settings"]) == (1, ["beta/"], 2)
    after = held(there).settings["beta"]
    assert (after.enabled_at, after.factors, after.tested_at) == (1, ("webauthn",), 3)


def test_accounts_that_differ_are_told(run: Run, urls: Url, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An account that differs in the new store is kept, counted and named.

    The answer is no.
    """
    here, there = urls("redis"), urls("sqlite")
    on(here, fill)
    assert leave(run, here, file)[0] == 0
    assert arrive(run, there, file)[0] == 0

    async def charge(store: Store) -> None:
        for number in range(3):
            account = await store.load(SubjectKey("alpha", f"person-00{number}"))
            assert await store.swap(replace(account, attempts=Attempts(used=7)))

    on(there, charge)
    code, came = arrive(run, there, file)
    assert (code, came["imported"], came["kept"]) == (1, 0, 70)
    assert came["differ"] == [f"alpha/person-00{number}" for number in range(3)]
    main(["accounts", "import", "--from", str(file), "--store", there, *WHO])
    assert "3 are not as the file has them and were kept: alpha/person-000, " in capsys.readouterr().out
    assert held(there).accounts != held(here).accounts


@pytest.mark.parametrize("alone", [False, True])
def test_a_passkey_of_somebody_else_is_left_out(run: Run, urls: Url, file: Path, alone: bool) -> None:
    """S-88: a credential belongs to one person of a store; the other comes without it.

    The answer is no.
    With another factor that person goes on. With none nobody enrolls in their place: an administrator looks first.
    """
    here, there = urls("sqlite"), urls("redis")
    person = SubjectKey("alpha", "person-001")

    async def with_a_passkey_alone(store: Store) -> None:
        account = await store.load(person)
        backup = replace(account.authenticators[0], id="b", factor="backup-code")
        assert await store.swap(replace(account, authenticators=(account.authenticators[1], backup)))

    on(here, fill)
    if alone:
        on(here, with_a_passkey_alone)
    on(there, lambda store: store.claim("credential-alpha-person-001", SubjectKey("other", "mallory")))
    assert leave(run, here, file)[0] == 0
    code, came = arrive(run, there, file)
    assert (code, came["claimed"], came["imported"]) == (1, ["alpha/person-001"], 70)
    account = on(there, lambda store: store.load(person))
    assert [a.factor for a in account.authenticators] == ([] if alone else ["totp"])
    assert [account.lock and account.lock.cause] == (["administrator"] if alone else [None])
    assert on(there, lambda store: store.claim("credential-alpha-person-001", SubjectKey("other", "mallory")))
    others = {key: body for key, body in held(there).accounts.items() if key != person}
    assert others == {key: body for key, body in held(here).accounts.items() if key != person}
    again, came = arrive(run, there, file)
    assert (again, came["differ"], came["claimed"]) == (1, ["alpha/person-001"], [])


# -- one record that is damaged ------------------------------------------------------------------------------------------


def test_one_damaged_account_in_redis(run: Run, urls: Url, server: servers.Server) -> None:
    """A damaged account is begun anew under a ticket, as in a file.

    A lock stays, and everybody else is as before.
    """
    url = urls("redis")
    assert main(["accounts", "list", "--tenant", "alpha", "--store", url]) == 2, "nothing is there yet"
    on(url, lambda store: fill(store, people=6, lines=40))
    before = held(url).accounts
    for id, status in (("person-001", "not_enrolled"), ("person-005", "locked")):
        server.say("HSET", keys_of("alpha").account(id), "b", "torn")
        who = (id, "--tenant", "alpha", "--store", url)
        assert main(["accounts", "show", *who]) == 2
        assert run("accounts", "reset", *who, *WHO, "--ticket", "T-1", "--discard")[0] == 0
        assert run("accounts", "show", *who)[1]["status"] == status
    after = held(url).accounts
    assert {key.id for key in before if before[key] != after[key]} == {"person-001", "person-005"}
    assert before.keys() == after.keys()


# -- the file ----------------------------------------------------------------------------------------------------------


def test_nothing_is_in_clear_text(run: Run, urls: Url, file: Path) -> None:
    """No name, tenant, address, factor or kind of event; only the owner may read the file."""
    here = urls("sqlite")
    on(here, fill)
    assert leave(run, here, file)[0] == 0
    text = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [word for word in WORDS if word.encode() in text]
    plain = Path(here.removeprefix("sqlite:///")).read_bytes()
    assert not [word for word in WORDS if word.encode() not in plain], "these words tell nothing"


def test_another_key_opens_nothing(
    run: Run, urls: Url, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F-19: with another key nothing is imported, and no interrupted export goes on."""
    here, there = urls("sqlite"), urls("sqlite-2")
    on(here, fill)
    assert leave(run, here, file)[0] == 0
    (tmp_path / "keys").write_text(key(2))
    said = refused(capsys, "accounts", "import", "--from", file, "--store", there, *WHO)
    assert "line 1: sealed with a key that is not listed" in said
    assert on(there, lambda store: store.keys()) == ()
    (tmp_path / "keys").write_text(f"{key(2)}\n{key(1)}")
    assert arrive(run, there, file)[0] == 0


def cut(file: Path, lines: int) -> None:
    """Only so many lines are left."""
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.mark.parametrize("torn", [False, True])
def test_a_truncated_file_is_told(
    run: Run, urls: Url, file: Path, torn: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole lines are imported; then the answer is no, with the line.

    The rest comes once the export has gone on.
    """
    here, there = urls("sqlite"), urls("redis")
    on(here, fill)
    assert leave(run, here, file)[0] == 0
    whole, count = file.read_bytes(), len(file.read_bytes().splitlines())
    cut(file, 2)
    code, came = arrive(run, urls("sqlite-2"), file)
    assert (code, came["lines"], came["imported"], came["settings"]) == (1, 50, 0, 0)
    file.write_bytes(whole)
    cut(file, count - 11)
    if torn:
        file.write_bytes(file.read_bytes()[:-9])
    code, came = arrive(run, there, file)
    assert (code, came["whole"], came["imported"]) == (1, False, 70 - 10 - torn)
    assert main(["accounts", "import", "--from", str(file), "--store", there, *WHO]) == 1
    assert f"not whole: it ends behind line {count - 11 - torn}" in capsys.readouterr().out
    assert leave(run, here, file)[0] == 0
    code, came = arrive(run, there, file)
    assert (code, came["imported"], came["whole"]) == (0, 10 + torn, True)
    assert held(there) == held(here)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_nobody_is_served_before_all_have_come(run: Run, urls: Url, file: Path, kind: str) -> None:
    """F-8: no service starts on a store that is half imported.

    A missing person would look like one without a second factor. It starts once the rest has come, or an operator goes on
    without it.
    """
    here, there, other = urls("sqlite"), urls(f"{kind}-2"), urls(f"{kind}-3")
    on(here, lambda store: fill(store, people=8, lines=40))
    assert leave(run, here, file)[0] == 0
    whole, count = file.read_bytes(), len(file.read_bytes().splitlines())
    cut(file, count - 11)
    for url in (there, other):
        assert arrive(run, url, file)[0] == 1
        with pytest.raises(SettingsError, match="accounts import again"):
            serve(url)
    file.write_bytes(whole)
    assert arrive(run, there, file)[0] == 0
    serve(there)
    assert run("store", "accept", "--store", other, *WHO)[0] == 0
    serve(other)


@pytest.mark.parametrize("end", [11, 1, 0])
def test_a_store_in_use_goes_on(run: Run, urls: Url, file: Path, end: int, capsys: pytest.CaptureFixture[str]) -> None:
    """F-8: into a store where people are, nothing is brought unless that is asked for.

    And whatever becomes of the file, services go on starting there.
    """
    here, there = urls("sqlite"), urls("sqlite-2")
    on(here, lambda store: fill(store, people=8, lines=40))
    own = enrolled(SubjectKey("alpha", "somebody-else"))
    on(there, lambda store: store.swap(own, [event(1, key=own.key)]))
    assert leave(run, here, file)[0] == 0
    cut(file, len(file.read_bytes().splitlines()) - end)
    before = held(there)
    said = refused(capsys, "accounts", "import", "--from", file, "--store", there, *WHO)
    assert "there are people in this store already" in said
    assert held(there) == before
    serve(there)
    words = ("accounts", "import", "--from", str(file), "--store", there, *WHO, "--merge")
    code, came = run(*words)
    assert (code, came["whole"]) == ((1, False) if end else (0, True))
    serve(there)
    assert own.key in held(there).accounts
    if not end:
        assert run(*words[:-1])[1]["imported"] == 0
        assert set(held(there).accounts) == {own.key, *held(here).accounts}


def test_a_line_that_this_release_cannot_read_brings_nothing(
    run: Run, urls: Url, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """F-20: a fault in the last line leaves the store as it was.

    The whole file is read before anything is written.
    """
    there = urls("sqlite")
    for body in ("{}", '{"v": 99}', "torn"):
        file.write_bytes(old_file(("alpha", "ann"), ("beta", "zoe")))
        record = {"t": "beta", "i": "last", "b": body}
        sealed = Keyring([key(1)]).seal(
            "export", json.dumps(record).encode(), row=("mfa_gate", "export"), nonce=bytes(12)
        )
        file.write_bytes(file.read_bytes() + sealed.encode() + b"\n")
        assert "line 3" in refused(capsys, "accounts", "import", "--from", file, "--store", there, *WHO)
        assert held(there).accounts == {}
        serve(there)


def serve(url: str) -> None:
    """Start a service on the store, and end it."""

    async def starting() -> None:
        async with running(make_world(store=url)) as world:
            await world.gate.web.open()

    asyncio.run(starting())


def test_it_goes_on_wherever_it_was_cut(run: Run, urls: Url, file: Path, tmp_path: Path) -> None:
    """Whatever a crash or a full disk left of an export, running it again makes it whole."""
    here = urls("sqlite")
    on(here, lambda store: fill(store, people=8, lines=40))
    assert leave(run, here, file)[0] == 0
    whole, chance, before = file.read_bytes(), random.Random(4), held(here)
    assert len(before.accounts) == 34
    first = whole.index(b"\n") + 1
    ends = [first, first + 1, len(whole) - 1, *(chance.randrange(first, len(whole)) for _ in range(6))]
    for number, end in enumerate(ends):
        file.write_bytes(whole[:end] + bytes(0 if number % 2 else 5000))
        code, left = leave(run, here, file)
        assert (code, left["exported"], left["changed"]) == (0, 34, []), end
        there = f"sqlite:///{tmp_path}/{number}.db"
        assert arrive(run, there, file)[0] == 0, end
        assert held(there) == before, end


def shuffled(lines: list[bytes]) -> list[bytes]:
    """Two lines in each other's place."""
    lines[-3], lines[-4] = lines[-4], lines[-3]
    return lines


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [*lines[:-4], *lines[-3:]], "altered, or sealed for another row"),
        (shuffled, "altered, or sealed for another row"),
        (lambda lines: [*lines, lines[-2]], "altered, or sealed for another row"),
        (lambda lines: [*lines[1:]], "line 1: altered, or sealed for another row"),
        (lambda lines: [*lines[:-2], lines[-2][:60] + b"AAAA" + lines[-2][64:], lines[-1]], "altered, or sealed"),
        (lambda lines: [*lines[:-2], b"\xff\n", lines[-1]], "ascii"),
    ],
)
def test_a_file_that_was_tampered_with(
    run: Run,
    urls: Url,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[bytes]], list[bytes]],
    says: str,
) -> None:
    """A line taken out, moved, doubled or altered is refused by its number.

    Without the line, somebody's lock would be gone.
    """
    here, there = urls("sqlite"), urls("sqlite-2")
    on(here, lambda store: fill(store, people=8, lines=40))
    assert leave(run, here, file)[0] == 0
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    assert says in refused(capsys, "accounts", "import", "--from", file, "--store", there, *WHO)


def test_no_line_of_another_export_is_taken(
    run: Run, urls: Url, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Yesterday's line, in which somebody was not locked yet, does not open in today's file."""
    here, there = urls("sqlite"), urls("sqlite-2")
    on(here, lambda store: fill(store, people=8, lines=40))
    yesterday = tmp_path / "yesterday.export"
    assert leave(run, here, yesterday)[0] == leave(run, here, file)[0] == 0
    lines = file.read_bytes().splitlines(keepends=True)
    lines[-3] = yesterday.read_bytes().splitlines(keepends=True)[-3]
    file.write_bytes(b"".join(lines))
    said = refused(capsys, "accounts", "import", "--from", file, "--store", there, *WHO)
    assert f"line {len(lines) - 2}: altered" in said


def test_what_is_not_its_own_is_never_written_over(
    run: Run, urls: Url, tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finished or foreign export, and any other file, is never written over.

    Neither is one of an older release, nor the target of a link.
    """
    here, other = urls("sqlite"), urls("sqlite-2")
    on(here, fill)
    on(other, fill)
    assert leave(run, here, file)[0] == 0
    strange = tmp_path / "strange"
    assert leave(run, other, strange)[0] == 0
    cut(strange, 9)
    kept = {file: "finished", strange: "another store's"}
    for name, text, says in (
        ("text", b"notes\nmore notes\n", "line 1"),
        ("line", b"notes", "no export"),
        ("old", old_file(("alpha", "ann")), "no export"),
    ):
        (tmp_path / name).write_bytes(text)
        kept[tmp_path / name] = says
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    kept[tmp_path / "link"] = "symbolic links"
    for place, says in kept.items():
        before = place.read_bytes()
        assert says in refused(capsys, "accounts", "export", "--to", place, "--store", here)
        assert place.read_bytes() == before
    for place in (tmp_path, Path(os.devnull)):
        assert str(place) in refused(capsys, "accounts", "export", "--to", place, "--store", here)


def test_one_at_a_time(run: Run, urls: Url, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While an export is at work on a file, neither a second one nor an import touches it."""
    import fcntl

    here = urls("sqlite")
    on(here, fill)
    with file.open("wb") as at_work:
        fcntl.flock(at_work, fcntl.LOCK_EX)
        assert "at work on it" in refused(capsys, "accounts", "export", "--to", file, "--store", here)
        assert "at work on it" in refused(capsys, "accounts", "import", "--from", file, "--store", here, *WHO)
    assert leave(run, here, file)[0] == 0


def old_file(*people: tuple[str, str]) -> bytes:
    """An export as older releases wrote it."""
    keyring, lines = Keyring([key(1)]), []
    for number, (tenant, id) in enumerate(people):
        document = {"t": tenant, "i": id, "b": codec.encode(enrolled(SubjectKey(tenant, id))).decode()}
        nonce = number.to_bytes(12)
        lines.append(keyring.seal("export", json.dumps(document).encode(), row=("mfa_gate", "export"), nonce=nonce))
    return "".join(f"{line}\n" for line in lines).encode()


def test_a_file_of_an_older_release(run: Run, urls: Url, file: Path) -> None:
    """A file of an older release has people only, and cannot tell if it is whole.

    A torn end is reported all the same.
    """
    there = urls("sqlite")
    file.write_bytes(old_file(("alpha", "ann"), ("beta", "zoe")))
    code, came = arrive(run, there, file)
    assert (code, came["imported"], came["whole"], came["lines"]) == (0, 2, None, 0)
    assert held(there).accounts[SubjectKey("beta", "zoe")] == codec.encode(enrolled(SubjectKey("beta", "zoe")))
    file.write_bytes(old_file(("alpha", "ann"), ("beta", "zoe"))[:-5])
    code, came = arrive(run, there, file)
    assert (code, came["kept"], came["whole"]) == (1, 1, False)
    file.write_bytes(b"")
    assert arrive(run, there, file)[0] == 1


def test_a_newer_file_is_refused(run: Run, urls: Url, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of a newer release is refused, not half read.

    F-20.
    """
    there = urls("sqlite")
    for record, says in (
        ({"export": 3, "id": "x"}, "of format 3"),
        ({"x": 1}, "does not know"),
        ([], "holds no record"),
    ):
        sealed = Keyring([key(1)]).seal(
            "export", json.dumps(record).encode(), row=("mfa_gate", "export"), nonce=bytes(12)
        )
        file.write_text(sealed + "\n")
        assert says in refused(capsys, "accounts", "import", "--from", file, "--store", there, *WHO)


# -- while people use it -----------------------------------------------------------------------------------------------


def test_what_was_done_meanwhile_is_told(run: Run, urls: Url, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock during the export is told by the export and by the import.

    The line about the person was written before. The import's answer is no.
    """
    here, there = urls("sqlite"), urls("redis")
    on(here, fill)
    assert leave(run, here, file)[0] == 0
    cut(file, len(file.read_bytes().splitlines()) - 5)

    async def lock(store: Store) -> None:
        account = await store.load(SubjectKey("alpha", "person-001"))
        assert await store.swap(replace(account, attempts=Attempts(used=7)), [event(7000, key=account.key)])

    on(here, lock)
    code, left = leave(run, here, file)
    assert (code, left["changed"]) == (0, ["alpha"])
    code, came = arrive(run, there, file)
    assert (code, came["imported"], came["changed"]) == (1, 70, ["alpha"])
    main(["accounts", "import", "--from", str(file), "--store", there, *WHO])
    assert "written to while it was exported (alpha)" in capsys.readouterr().out


def test_a_broken_trail_is_not_made_whole_in_silence(run: Run, urls: Url, file: Path) -> None:
    """S-125: chained anew, an altered line would verify.

    The export answers no, and the new trail says where it was broken.
    """
    here, there = urls("sqlite"), urls("redis")
    on(here, fill)
    with closing(sqlite3.connect(here.removeprefix("sqlite:///"), isolation_level=None)) as database:
        statement = (
            "UPDATE event SET body = replace(body, 'proof.granted', 'account.reset') WHERE seq = 30 AND tenant = ?"
        )
        assert database.execute(statement, ("alpha",)).rowcount == 1
    code, left = leave(run, here, file)
    assert (code, left["broken"]) == (1, {"alpha": 30})
    assert arrive(run, there, file)[0] == 0
    assert run("audit", "verify", "--store", there)[0] == 0
    (told,) = [line for line in on(there, _trails)["alpha"] if line.kind == "store.imported" and not line.account]
    assert told.detail["broken"] == 30


async def later(world: World, seconds: float) -> None:
    """Let time pass, and deliver the events that were not heard."""
    world.clock.advance(seconds)
    outbox = world.gate.service.outbox
    await world.engine.effects.idle()
    await outbox.flush()
    await outbox.catch_up(shared=True)
    await outbox.catch_up(shared=False)


def test_history_is_told_to_nobody_again(run: Run, tmp_path: Path, file: Path) -> None:
    """No reset or lock of years ago reaches a hook or a mailbox again.

    The application was started on the new store before the import.
    """
    here, there = f"sqlite:///{tmp_path}/mfa.db", f"sqlite:///{tmp_path}/new.db"

    async def reset() -> None:
        async with running(make_world(store=here)) as world:
            await world.enrolled("ann")
            desk = world.gate.service.account_desk
            assert isinstance(
                await desk.act(OPERATOR, "reset", SubjectKey("alpha", "ann"), ticket="T-1", reason="lost"), Done
            )

    async def started(between: Callable[[], Awaitable[None]]) -> None:
        ear = Ear()
        async with running(make_world(store=there, on_reset=ear)) as world:
            await between()
            world.clock.at = 2_000_000_000
            for _ in range(5):
                await later(world, LAG)
            assert ear.heard == []
            assert world.email.messages == world.sms.messages == []
            assert {line.kind for line in world.events} == {"store.imported"}

    async def move() -> None:
        assert (await asyncio.to_thread(leave, run, here, file))[0] == 0
        assert (await asyncio.to_thread(arrive, run, there, file))[0] == 0

    asyncio.run(reset())
    asyncio.run(started(move))


def test_what_is_owed_is_told_in_the_new_store(run: Run, tmp_path: Path, file: Path) -> None:
    """A hook or mail server that was down hears the missed events after the move.

    It hears them once, however often the file is imported.
    """
    here, there = f"sqlite:///{tmp_path}/mfa.db", f"sqlite:///{tmp_path}/new.db"

    async def unheard() -> None:
        ear = Ear()
        ear.deaf = True
        async with running(make_world(store=here, on_reset=ear)) as world:
            for id in ("ann", "bob"):
                await world.enrolled(id)
            await later(world, LAG)
            await later(world, LAG)
            world.email.failure = SendFailed("unreachable", transient=True)
            desk = world.gate.service.account_desk
            assert isinstance(
                await desk.act(OPERATOR, "reset", SubjectKey("alpha", "ann"), ticket="T-1", reason="lost"), Done
            )
            await later(world, LAG)
            # The service stops before it looks at these. on_event has heard of them, and on_reset does not want the last.
            assert isinstance(
                await desk.act(OPERATOR, "reset", SubjectKey("alpha", "bob"), ticket="T-2", reason="lost"), Done
            )
            await world.enrolled("zoe")
            await world.engine.effects.idle()

    async def heard() -> tuple[list[Any], list[str]]:
        ear = Ear()
        async with running(make_world(store=there, on_reset=ear)) as world:
            world.clock.at = 2_000_000_000
            for _ in range(3):
                await later(world, FIRST_WAIT)
            assert {line.kind for line in world.events} <= {"store.imported"}
            return ear.heard, sorted({message.to for message in world.email.messages})

    asyncio.run(unheard())
    assert leave(run, here, file)[0] == 0
    assert arrive(run, there, file)[0] == 0
    hooks, mails = asyncio.run(heard())
    assert hooks == [Subject(id="ann", tenant="alpha"), Subject(id="bob", tenant="alpha")]
    assert mails == ["ann@alpha.example", "bob@alpha.example", "zoe@alpha.example"]
    arrive(run, there, file)
    assert asyncio.run(heard()) == ([], [])


@pytest.mark.parametrize("release", ["this", "earlier"])
async def test_a_damaged_line_that_is_owed_keeps_nobody_back(
    release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged line that waits for a hook keeps no account and no other line back.

    It is left out of the export. It is also left out on arrival from an export of an earlier release that has
    it.
    """
    ear, place = Ear(), "hook:on_lock@"
    ear.deaf = True

    async def raw(store: Store, apps: Iterable[str]) -> dict[str, list[str]]:
        return {place: [late.line for late in (await load_late(store, place, "alpha")).values()]}

    if release == "earlier":
        monkeypatch.setattr("mfa_gate.service.maintenance.export.owed", raw)
    async with running(make_world(on_lock=ear)) as here, running(make_world()) as there:
        for id in ("ann", "bob"):
            await here.enrolled(id)
        await here.gate.service.account_desk.act(OPERATOR, "lock", SubjectKey("alpha", "ann"), reason="lost")
        await later(here, LAG)
        late = await load_late(here.store, place, "alpha")
        assert len(late) == 1
        await save_late(here.store, place, "alpha", {"X": Late("{damaged", 0, 0), **late})
        with (tmp_path / "house.export").open("w+b") as file:
            await export_store(here.gate.service, file, name="x", progress=no_progress)
            file.seek(0)
            tally, _ = await restore_export(there.gate.service, file, name="x", actor="o", reason="r", merge=False)
        assert (tally.imported, tally.is_whole) == (2, True)
        arrived = await load_late(there.store, place, "alpha")
        assert [one.line for one in arrived.values()] == [one.line for one in late.values()]
    assert caplog.text.count(f"an event that waits for {place} cannot be read") == 1


@contextmanager
def no_progress(text: str, total: int) -> Iterator[Any]:
    """Count nothing."""
    yield SimpleNamespace(step=lambda count=1: None)


async def test_no_hook_is_forgotten() -> None:
    """A move knows every hook of the service: the places of all of them are read."""
    world = make_world(on_lock=print, on_reset=print)
    hooks = world.gate.service.outbox.hooks.values()
    assert {hook.name for hook in hooks if hook.shared} == set(SHARED)
    assert {hook.name for hook in hooks if not hook.shared} == set(OWN)


def test_progress_is_shown(run: Run, urls: Url, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it is told how far it has come, with the total where that is known."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    here, there = urls("sqlite"), urls("sqlite-2")
    on(here, fill)
    for work, says in ((leave, "exporting accounts: 70 of 70 (100 %)"), (arrive, "(100 %)")):
        shown = Terminal()
        monkeypatch.setattr(sys, "stderr", shown)
        assert work(run, here if work is leave else there, file)[0] == 0
        assert says in shown.getvalue()


# -- killed ------------------------------------------------------------------------------------------------------------


def killed(count: int, moment: str, *command: str | Path) -> bool:
    """Run a command in a process that is killed at the so-many-th touch of the store.

    Whether it was.
    """
    found = ran("tests.cli.house", str(count), moment, *command, "--json")
    # Killed behind the closing line, before the end:
    assert found.code in (0, -9) or "finished export" in found.errors, found.errors
    return found.code == -9


def when(chance: random.Random) -> str:
    """Choose the moment: before a touch of the store, after it, or milliseconds from then."""
    return chance.choice(["before", "after", f"{chance.uniform(0, 0.02):.4f}"])


@pytest.mark.slow
@pytest.mark.parametrize("road", [("sqlite", "redis"), pytest.param(("redis", "sqlite"), marks=pytest.mark.long)])
def test_killed_again_and_again(run: Run, urls: Url, file: Path, road: tuple[str, str]) -> None:
    """F-10: after kill -9 at any moment, as often as it likes, a new run goes on.

    At the end everything is there, once.
    """
    here, there = (urls(name) for name in road)
    on(here, lambda store: fill(store, people=3, lines=40))
    before, chance = held(here), random.Random(road[0])
    for command, longer in (
        (("accounts", "export", "--to", file, "--store", here), 5),
        # Each import first looks at the work that is done, so it has to live longer than the one before.
        (("accounts", "import", "--from", file, "--store", there, *WHO), 30),
    ):
        deaths = 0
        while killed(chance.randrange(8, 24 + longer * deaths), when(chance), *command):
            deaths += 1
            assert deaths < 60
        assert deaths
    assert held(there) == before
    assert [tenant for tenant in TENANTS if len(on(there, _trails)[tenant]) != _expected(before, tenant)] == []
    assert arrive(run, there, file)[0] == 0
    assert run("audit", "verify", "--store", there)[0] == 0


def _expected(before: Contents, tenant: str) -> int:
    """List the old lines: one for the trail, one for settings if there are any, one a person."""
    people = sum(key.tenant == tenant for key in before.accounts)
    return len(before.trails[tenant]) + 1 + bool(before.settings[tenant].enabled_at) + people
