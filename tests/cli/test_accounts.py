"""``mfa-gate accounts``: administer without a browser, and move people to another store."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.cli.refusals import text_of
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.reasons import Refusal
from tests.harness import key, make_world, running

from .house import on
from .store import WHO, Run, people, prepare, runner


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """People in a store, and the command line on it."""
    prepare(tmp_path, monkeypatch)
    return people(tmp_path / "mfa.db")


@pytest.fixture
def run(secrets: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on it."""
    return runner(capsys)


def test_list(run: Run) -> None:
    """A tenant's people, filtered by state and by a part of name or id.

    Another tenant's are not among them.
    """
    assert [(a["id"], a["status"]) for a in run("accounts", "list", "--tenant", "alpha")[1]["accounts"]] == [
        ("ann", "locked"),
        ("bob", "verified"),
    ]
    assert [a["id"] for a in run("accounts", "list", "--tenant", "alpha", "--status", "locked")[1]["accounts"]] == [
        "ann"
    ]
    assert [a["id"] for a in run("accounts", "list", "--tenant", "alpha", "--query", "BO")[1]["accounts"]] == ["bob"]
    assert run("accounts", "list", "--tenant", "nowhere") == (0, {"accounts": []})


def test_show_has_nothing_secret(run: Run, secrets: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """One person, with why they are locked; no secret, no code.

    Somebody unknown is the answer no.
    """
    code, shown = run("accounts", "show", "ann", "--tenant", "alpha")
    assert (code, shown["status"], shown["locked"]["cause"], shown["attempts_used"]) == (0, "locked", "attempts", 7)
    assert len(secrets) >= 2
    assert not any(secret in str(shown) for secret in secrets.values())
    assert run("accounts", "show", "zoe", "--tenant", "alpha") == (1, run_refusal("not_found"))
    assert main(["accounts", "show", "ann", "--tenant", "alpha"]) == 0
    assert "status         locked" in capsys.readouterr().out


def run_refusal(reason: str) -> dict[str, str]:
    """Return the text of a refused command."""
    return {"reason": reason, "detail": text_of(Refusal(reason=reason)), "ref": ""}


@pytest.mark.parametrize("act", ["show", "unlock", "lock", "reset"])
def test_a_command_names_its_tenant(run: Run, act: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An id that exists in two tenants is never guessed.

    Without a tenant nothing is done. With a tenant the account of the other one stays as it is.
    """
    url = f"sqlite:///{tmp_path}/mfa.db"

    def of(tenant: str) -> Account:
        found: Account = on(url, lambda store: store.load(SubjectKey(tenant, "ann")))
        return found

    copy = replace(of("alpha"), key=SubjectKey("beta", "ann"), version=0)
    assert on(url, lambda store: store.swap(copy))
    mine, other = of("alpha"), of("beta")
    more = [] if act == "show" else [*WHO, *(["--ticket", "T-1"] if act == "reset" else [])]
    with pytest.raises(SystemExit) as ended:
        main(["accounts", act, "ann", *more])
    assert ended.value.code == 2
    assert "--tenant" in capsys.readouterr().err
    assert (of("alpha"), of("beta")) == (mine, other)
    code, told = run("accounts", act, "ann", "--tenant", "beta", *more)
    assert (code, of("alpha")) == (0, mine)
    assert told["tenant"] == "beta"
    assert (of("beta") == other) == (act == "show")


def test_the_offline_way_in(run: Run) -> None:
    """Key and store unlock the last administrator.

    Every change is written down with actor and reason.
    """
    assert run("accounts", "unlock", "ann", "--tenant", "alpha", *WHO)[0] == 0
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["status"] == "verified"
    assert run("accounts", "lock", "bob", "--tenant", "alpha", *WHO)[0] == 0
    assert run("accounts", "reset", "bob", "--tenant", "alpha", "--ticket", "T-1", *WHO)[0] == 0
    assert run("accounts", "show", "bob", "--tenant", "alpha")[1]["factors"] == []
    code, made = run("accounts", "ticket", "bob", "--tenant", "alpha", *WHO)
    assert (code, len(made["ticket"].replace("-", ""))) == (0, 26)
    events = run("audit", "list", "--tenant", "alpha", "--limit", "4")[1]["events"]
    assert [e["kind"] for e in events] == ["enrollment.ticket", "account.reset", "account.locked", "account.unlocked"]
    assert {e["actor"] for e in events} == {"operator:eve"}
    assert {e["reason"] for e in events} == {"asked in person"}
    assert made["ticket"] not in str(events)


def test_break_glass_takes_two_people(run: Run) -> None:
    """Two different actors, a ticket, under twelve hours.

    The same name in another spelling is the same person.
    """
    grant, bob = ["accounts", "break-glass"], ["bob", "--tenant", "alpha"]
    why = ["--reason", "phone lost", "--ticket", "T-1"]
    assert run(*grant, "ask", *bob, "--actor", "eve", *why, "--hours", "12")[1]["reason"] == "malformed"
    assert run(*grant, "ask", "ann", "--tenant", "alpha", "--actor", "eve", *why)[1]["reason"] == "locked"
    code, asked = run(*grant, "ask", *bob, "--actor", "eve", *why, "--hours", "2")
    assert code == 0
    for actor in ("eve", "Eve", " eve", "bob"):
        assert run(*grant, "confirm", *bob, "--actor", actor)[1]["reason"] == "not_allowed"
    for ref in ((), ("--ref", "another")):
        assert run(*grant, "confirm", *bob, "--actor", "zoe", *ref)[1]["reason"] == "not_found"
    seen = ["--reason", "spoke to him"]
    assert run(*grant, "confirm", *bob, "--actor", "zoe", "--ref", asked["ref"], *seen)[0] == 0
    granted, before = run("audit", "list", "--tenant", "alpha", "--account", "bob", "--limit", "2")[1]["events"]
    assert [(e["kind"], e["reason"]) for e in (granted, before)] == [
        ("break_glass.granted", "spoke to him"),
        ("break_glass.asked", "phone lost"),
    ]
    shown = run("accounts", "show", *bob)[1]["break_glass"]
    assert (shown["asked_by"], shown["confirmed_by"]) == ("operator:eve", "operator:zoe")
    assert run(*grant, "revoke", *bob, "--actor", "eve", "--reason", "found")[0] == 0
    assert run("accounts", "show", *bob)[1]["break_glass"] is None
    kinds = [event["kind"] for event in run("audit", "list", "--tenant", "alpha", "--limit", "3")[1]["events"]]
    assert kinds == ["break_glass.ended", "break_glass.granted", "break_glass.asked"]


@pytest.mark.parametrize(
    "command",
    [
        ["accounts", "unlock", "ann", "--tenant", "alpha"],
        ["accounts", "unlock", "ann", "--tenant", "alpha", "--actor", "eve"],
        ["accounts", "unlock", "ann", "--actor", "eve", "--reason", "x"],
        ["accounts", "reset", "ann", "--tenant", "alpha", *WHO],
        ["accounts", "list"],
        ["accounts", "list", "--tenant", "alpha", "--status", "odd"],
        ["accounts"],
    ],
)
def test_wrong_use(run: Run, command: list[str]) -> None:
    """A change of an account needs actor and reason; wrong use ends with 2.

    It changes nothing.
    """
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["status"] == "locked"


def test_a_blank_reason_is_no(run: Run) -> None:
    """A reason that says nothing is the answer no."""
    code, said = run("accounts", "unlock", "ann", "--tenant", "alpha", "--actor", "eve", "--reason", "  ")
    assert (code, said["reason"]) == (1, "malformed")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MFA_GATE_STORE", "", "--store is missing"),
        ("MFA_GATE_STORE", "sqlite:///{folder}/no/where.db", "no"),
        ("MFA_GATE_STORE", "mysql://x", "mysql"),
        ("MFA_GATE_KEYS_FILE", "{folder}/missing", "cannot be read"),
        ("MFA_GATE_KEYS_FILE", "{folder}/policy.toml", "no key"),
        ("MFA_GATE_POLICY", "{folder}/keys", ""),
    ],
)
def test_parts_that_are_not_there(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    says: str,
) -> None:
    """A store, key or policy that is not there or not right is named, and ends with 2."""
    monkeypatch.setenv(variable, value.format(folder=tmp_path))
    assert main(["accounts", "list", "--tenant", "alpha"]) == 2
    assert says in capsys.readouterr().err


def test_another_key_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """F-19: a key that does not open this store changes nothing in it."""
    (tmp_path / "keys").write_text(key(2))
    assert main(["accounts", "unlock", "ann", "--tenant", "alpha", *WHO]) == 2
    assert "none of the listed keys opens this store" in capsys.readouterr().err


def test_moving_to_another_store(
    run: Run, secrets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything of everybody arrives, and is sealed on the way: locks, factors, attempts.

    Accounts that are there already are kept.
    """
    file = tmp_path / "people.export"
    code, left = run("accounts", "export", "--to", str(file))
    assert (code, left["exported"]) == (0, 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert not any(word in text for word in ("alpha", "factor", *secrets.values()))

    monkeypatch.setenv("MFA_GATE_STORE", f"sqlite:///{tmp_path}/new.db")
    bring = ("accounts", "import", "--from", str(file), *WHO)
    for imported, kept in ((3, 0), (0, 3)):
        code, came = run(*bring)
        assert (code, came["imported"], came["kept"]) == (0, imported, kept)
    assert run("accounts", "show", "ann", "--tenant", "alpha")[1]["locked"]["cause"] == "attempts"
    events = run("audit", "list", "--kind", "store.imported")[1]["events"]
    assert sorted(e["account"] for e in events) == ["", "", "ann", "bob", "zoe"]
    assert len({e["id"] for e in events}) == 5
    assert run("audit", "verify")[0] == 0

    async def gets_in() -> bool:
        async with running(make_world(store=f"sqlite:///{tmp_path}/new.db")) as world:
            world.clock.advance(3600)
            bob = await world.browser("bob")
            assert (await bob.state())["state"] == "challenge"
            await bob.prove(secrets["bob"])
            return await bob.is_in()

    assert asyncio.run(gets_in())


def test_an_export_is_never_written_over(run: Run, tmp_path: Path) -> None:
    """A file that is there is kept as it is."""
    file = tmp_path / "people.export"
    assert run("accounts", "export", "--to", str(file))[0] == 0
    before = file.read_text()
    assert main(["accounts", "export", "--to", str(file)]) == 2
    assert file.read_text() == before


def test_a_damaged_export_brings_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that was altered, or sealed under another key, imports nobody.

    It is wrong use, with the number of the line.
    """
    file = tmp_path / "people.export"
    assert run("accounts", "export", "--to", str(file))[0] == 0
    lines = file.read_text().splitlines()
    middle = lines[-3]
    lines[-3] = middle[:40] + ("A" if middle[40] != "A" else "B") + middle[41:]
    file.write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("MFA_GATE_STORE", f"sqlite:///{tmp_path}/new.db")
    assert main(["accounts", "import", "--from", str(file), *WHO]) == 2
    assert f"line {len(lines) - 2}" in capsys.readouterr().err
    assert run("accounts", "list", "--tenant", "alpha")[1]["accounts"] == []


def test_a_mistyped_tenant_makes_nobody(run: Run) -> None:
    """K-17: a ticket in a tenant that nobody knows is refused, with the name that was meant.

    ``--new-tenant`` begins it on purpose.
    """
    code, told = run("accounts", "ticket", "new", "--tenant", "alhpa", *WHO)
    assert (code, told["reason"]) == (1, "not_found")
    assert 'Did you mean "alpha"?' in told["detail"]
    assert run("accounts", "show", "new", "--tenant", "alhpa")[0] == 1
    assert run("accounts", "ticket", "new", "--tenant", "alpha", *WHO)[0] == 0
    assert run("accounts", "ticket", "first", "--tenant", "gamma", *WHO, "--new-tenant")[0] == 0
    assert run("accounts", "ticket", "second", "--tenant", "gamma", *WHO)[0] == 0


def test_nothing_is_known_of_somebody(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A second erasure, or one with a mistyped id, erases nobody and says so."""
    command = ["accounts", "forget", "nobdy", "--tenant", "alpha", *WHO]
    code, told = run(*command)
    assert (code, told["done"], told["pseudonym"]) == (1, "", "")
    assert main(command) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("nothing is known of alpha/nobdy\n", "")


def test_a_report_of_a_mistyped_tenant_warns(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """K-2: an empty report of a tenant where nobody ever was is not taken for a clean one."""
    assert main(["report", "lockouts", "--tenant", "alhpa", "--csv"]) == 0
    assert 'nobody was ever in a tenant "alhpa"' in capsys.readouterr().err
    assert main(["report", "lockouts", "--tenant", "alpha", "--csv"]) == 0
    assert "nobody was ever" not in capsys.readouterr().err


def test_mail_needs_the_app(run: Run) -> None:
    """The app knows the addresses and has the sender: without it no ticket is made."""
    assert run("accounts", "ticket", "bob", "--tenant", "alpha", *WHO, "--mail") == (2, None)
