"""``mfa-gate import``: each source, each refusal, and that it can be run again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from base64 import b32decode, b32encode
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyotp
import pytest

from mfa_gate import MFAGate, Subject
from mfa_gate.cli import main
from mfa_gate.cli.totp_import import Options, Record, read
from mfa_gate.core.model import Account, Authenticator, Caller, SubjectKey
from mfa_gate.factors.totp import Totp, hotp
from mfa_gate.keyring import make_key
from mfa_gate.service import Actor, Verified
from mfa_gate.testing import Kit

from .doctored import gate, policy

KEY = make_key(bytes(range(9, 41)))
ANN, BOB = (b32encode(bytes(range(start, start + 20))).decode() for start in (30, 60))
SHORT = b32encode(bytes(range(10))).decode()
WEAK = b32encode(bytes(range(9))).decode().rstrip("=")
POLICY = 'version = 1\nname = "x"\n[factors]\nallowed = ["totp", "webauthn", "backup-code"]\n'
POLICY += '[tenants.mail.factors]\nallowed = ["webauthn"]\n'


@dataclass
class Place:
    """A directory with keys and a policy, and the command over it."""

    path: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, file: Path, *options: str, store: bool = True) -> tuple[int, dict[str, Any]]:
        """The command with --json."""
        parts = ["--policy", str(self.path / "policy.toml"), "--keys-file", str(self.path / "keys")]
        parts += ["--store", self.store] if store else []
        code = main(["import", str(file), "--json", "--actor", "root", "--reason", "moving", *parts, *options])
        told: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return code, told

    @property
    def store(self) -> str:
        """The store's URL."""
        return f"sqlite:///{self.path / 'gate.db'}"

    def gate(self) -> MFAGate:
        """A gate over the store."""
        return gate(store=self.store, keys=[KEY], policy=policy(), clock=None)

    def account(self, id: str, tenant: str = "default") -> Account:
        """Load the account from the store."""

        async def load() -> Account:
            mine = self.gate()
            await mine.web.open()
            found = await mine.service.engine.store.load(Subject(id, tenant).key)
            await mine.service.aclose()
            return found

        return asyncio.run(load())

    def write(self, text: str, name: str = "apps") -> Path:
        """A source."""
        path = self.path / name
        path.write_text(text, "utf-8")
        return path


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    """A place without a store."""
    (tmp_path / "keys").write_text(KEY)
    (tmp_path / "policy.toml").write_text(POLICY)
    return Place(tmp_path, capsys)


def uri(secret: str, account: str = "Shop:ann", more: str = "") -> str:
    """An address."""
    return f"otpauth://totp/{account}?secret={secret}&issuer=Shop{more}"


def django(path: Path, *rows: tuple[Any, ...]) -> Path:
    """A host's database with django-otp, as its migrations make it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE auth_user (id integer PRIMARY KEY, username varchar(150), email varchar(254))")
        connection.executemany("INSERT INTO auth_user VALUES (?, ?, ?)", [(1, "ann", "a@x.example"), (2, "bob", "")])
        connection.execute(
            "CREATE TABLE otp_totp_totpdevice (id integer PRIMARY KEY, name varchar(64), confirmed bool, key varchar(80),"
            " step smallint, t0 bigint, digits smallint, tolerance smallint, drift smallint, last_t bigint,"
            " user_id integer, throttling_failure_count integer, throttling_failure_timestamp datetime)"
        )
        connection.executemany(
            "INSERT INTO otp_totp_totpdevice VALUES (?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?, 0, NULL)", rows
        )
        connection.commit()
    return path


HEX = bytes(range(30, 50)).hex()
SOURCES: dict[str, Callable[[Place], tuple[Path, list[str]]]] = {
    "addresses with a user": lambda p: (p.write(f"# apps\n\nann,{uri(ANN)}\nbob\t{uri(BOB)}\n"), []),
    "addresses alone": lambda p: (p.write(f"{uri(ANN, 'Shop:ann')}\n{uri(BOB, 'bob')}\n"), []),
    "csv": lambda p: (p.write(f"user,secret,digits\nann,{ANN},6\nbob,{BOB.lower()},\n"), []),
    "csv of addresses": lambda p: (p.write(f'id,uri\nann,"{uri(ANN)}"\nbob,"{uri(BOB)}"\n'), ["--format", "csv"]),
    "csv in hex": lambda p: (p.write(f"email;x,secret_hex,user\n,{HEX},ann\n,{bytes(range(60, 80)).hex()},bob\n"), []),
    "authelia csv": lambda p: (
        p.write(f"issuer,username,algorithm,digits,period,secret\nA,ann,SHA1,6,30,{ANN}\nA,bob,SHA1,6,30,{BOB}\n"),
        ["--format", "authelia"],
    ),
    "authelia uri": lambda p: (
        p.write(f"{uri(ANN, 'A:ann', '&algorithm=SHA1&digits=6&period=30')}\n{uri(BOB, 'A:bob')}\n"),
        ["--format", "authelia"],
    ),
    "django-otp": lambda p: (
        django(
            p.path / "host.db",
            (1, "default", 1, HEX, 30, 0, 6, -1, 1),
            (2, "phone", 1, bytes(range(60, 80)).hex(), 30, 0, 6, 5, 2),
            (3, "half", 0, "aa" * 20, 30, 0, 6, -1, 2),
        ),
        ["--user-column", "username"],
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_each_source(place: Place, name: str) -> None:
    """Two people come in from each source; their own app's next code is right at the gate."""
    file, options = SOURCES[name](place)
    code, told = place.run(file, *options)
    assert (code, told["imported"], told["refused"]) == (0, 2, {})
    for id, secret in (("ann", ANN), ("bob", BOB)):
        (app,) = place.account(id).authenticators
        assert app.factor == "totp"
        assert secret not in str(app)
        assert asyncio.run(answers(place, id, pyotp.TOTP(secret).now()))


async def answers(place: Place, id: str, code: str) -> bool:
    """Tell if the gate takes a code."""
    mine = place.gate()
    await mine.web.open()
    account = await mine.service.engine.store.load(Subject(id).key)
    caller = Caller(subject=Subject(id), handle="h", network="192.0.2.1")
    authenticator = account.authenticators[0].id
    result = await mine.service.verification.verify(caller, handle="h", authenticator=authenticator, response=code)
    await mine.service.aclose()
    return isinstance(result, Verified)


REFUSED = [
    ("weak", f"ann,{WEAK},totp,SHA1,6,30"),
    ("weak", "ann,JBSWY3DPEHPK3PXP,totp,SHA1,6,30"),
    ("weak", "ann,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,totp,SHA1,6,30"),
    ("weak", f"ann,{'A' * 32},totp,SHA1,6,30"),
    ("secret", "ann,01189998819991197253,totp,SHA1,6,30"),
    ("weak", "ann,,totp,SHA1,6,30"),
    ("kind", f"ann,{ANN},hotp,SHA1,6,30"),
    ("algorithm", f"ann,{ANN},totp,MD5,6,30"),
    ("algorithm", f"ann,{ANN},totp,SHA224,6,30"),
    ("algorithm", f"ann,{ANN},totp,SHA3-256,6,30"),
    ("digits", f"ann,{ANN},totp,SHA1,5,30"),
    ("period", f"ann,{ANN},totp,SHA1,6,0"),
    ("period", f"ann,{ANN},totp,SHA1,6,x"),
    ("user", f",{ANN},totp,SHA1,6,30"),
    ("user", f"{'x' * 300},{ANN},totp,SHA1,6,30"),
]


@pytest.mark.parametrize(("reason", "row"), REFUSED)
def test_what_is_not_fit_is_refused(place: Place, reason: str, row: str) -> None:
    """S-120: weak, well-known and uncheckable secrets are counted and not taken.

    The line is named, and its secret is not.
    """
    file = place.write(f"user,secret,type,algorithm,digits,period\n{row}\nbob,{BOB},,,,\n")
    code, told = place.run(file)
    assert (code, told["imported"], told["refused"]) == (1, 1, {reason: 1})
    assert told["lines"][0]["line"] == 2
    secret = row.split(",")[1]
    assert not secret or secret not in json.dumps(told)


@pytest.mark.parametrize("before", ["", "\n", "\n\n\n", f"bob,{BOB}\n\n", f'"b\no\nb",{BOB}\n\n'])
def test_the_line_of_a_refused_row(place: Place, before: str) -> None:
    """The line is the row's own, whatever blank lines or long cells stand before it."""
    file = place.write(f"user,secret\n{before}ann,{WEAK}\n")
    found = [line["line"] for line in place.run(file, "--dry-run")[1]["lines"] if line["reason"] == "weak"]
    assert found == [2 + before.count("\n")]


def test_short_secrets_are_taken_with_a_warning(place: Place) -> None:
    """Between 80 and 128 bits; their codes are right, though pyotp would refuse to make them."""
    code, told = place.run(place.write(f"ann,{uri(SHORT)}\n"))
    assert (code, told["imported"], told["short"]) == (0, 1, 1)
    secret = bytes(range(10))
    assert asyncio.run(answers(place, "ann", hotp(secret, int(time.time()) // 30, 6)))


def test_the_same_secret_twice(place: Place) -> None:
    """A double line is one app; two people with one secret are not two."""
    lines = [f"ann,{uri(ANN)}", f"ann,{uri(ANN)}", f"bob,{uri(ANN)}"]
    code, told = place.run(place.write("\n".join(lines)))
    assert (code, told["imported"], told["refused"]) == (1, 1, {"duplicate": 1, "shared": 1})


def test_it_can_be_run_again(place: Place) -> None:
    """A second run, as after a stop, imports the missing apps and nothing twice."""
    assert place.run(place.write(f"ann,{uri(ANN)}\n"))[1]["imported"] == 1
    file = place.write(f"ann,{uri(ANN)}\nbob,{uri(BOB)}\n")
    assert {name: place.run(file)[1][name] for name in ("imported",)} == {"imported": 1}
    code, told = place.run(file)
    assert (code, told["imported"], told["present"]) == (0, 0, 2)
    assert len(place.account("ann").authenticators) == 1


def change(place: Place, work: Callable[[MFAGate], Any]) -> None:
    """Let the gate do something on the store."""

    async def inside() -> None:
        mine = place.gate()
        await mine.web.open()
        await work(mine)
        await mine.service.aclose()

    asyncio.run(inside())


def reset(place: Place, id: str) -> None:
    """Remove every factor, as after a leak."""
    key = Subject(id).key
    change(
        place,
        lambda mine: mine.service.account_desk.act(Actor(name="operator:x"), "reset", key, ticket="T", reason="leaked"),
    )


@pytest.mark.parametrize("forgotten", [None, "mark", "trail"])
def test_what_was_reset_stays_so(place: Place, forgotten: str | None) -> None:
    """S-94: an import brings nothing back that was reset since.

    It holds for the same file, for the same secret in another file, after the trail was pruned, and after an import that
    was stopped before it could remember.
    """
    file = place.write(f"ann,{uri(ANN)}\nbob,{uri(BOB)}\n")
    assert place.run(file)[1]["imported"] == 2
    reset(place, "ann")
    with closing(sqlite3.connect(place.path / "gate.db", isolation_level=None)) as connection:
        if forgotten == "mark":
            assert connection.execute("DELETE FROM mark").rowcount > 0
        if forgotten == "trail":
            connection.execute("DELETE FROM event WHERE kind = 'factor.enrolled'")
    for again in (file, place.write(f"user;secret\nann;{ANN.lower()}\n", "other")):
        for option in ((), ("--dry-run",)):
            code, told = place.run(again, *option)
            assert (code, told["imported"], told["refused"]) == (1, 0, {"removed": 1})
        assert place.account("ann").authenticators == ()
    fresh = place.write(f"ann,{uri(b32encode(bytes(range(90, 110))).decode())}\n", "fresh")
    assert place.run(fresh)[1]["imported"] == 1


def test_what_an_older_release_brought_stays_reset(place: Place) -> None:
    """An import of an older release stays reset, too.

    Its events do not say which secret: then none is imported into that account again after a reset.
    """
    file = place.write(f"ann,{uri(ANN)}\n")
    assert place.run(file)[1]["imported"] == 1
    with closing(sqlite3.connect(place.path / "gate.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM mark")
        body = connection.execute("SELECT body FROM event WHERE kind = 'factor.enrolled'").fetchone()[0]
        detail = json.loads(body)
        del detail["detail"]["app"]
        connection.execute("UPDATE event SET body = ? WHERE kind = 'factor.enrolled'", (json.dumps(detail),))
    reset(place, "ann")
    assert place.run(file)[1]["refused"] == {"removed": 1}


def test_one_secret_has_one_owner_over_all_files(place: Place) -> None:
    """A secret keeps its one owner after a reset and in other tenants.

    So does a secret that was made here by a picture.
    """
    assert place.run(place.write(f"ann,{uri(ANN)}\n"))[1]["imported"] == 1
    other = place.write(f"bob,{uri(ANN)}\n", "other")
    for options in ((), ("--tenant", "clinic"), ("--dry-run",)):
        assert place.run(other, *options)[1]["refused"] == {"shared": 1}
    reset(place, "ann")
    assert place.run(other)[1]["refused"] == {"shared": 1}
    assert place.account("bob").authenticators == ()

    secrets: list[str] = []

    async def enroll(mine: MFAGate) -> None:
        secrets.append((await Kit(mine, keep_store=True).enrolled(Subject("eve"))).secret)

    change(place, enroll)
    assert place.run(place.write(f"bob,{uri(secrets[0])}\n", "more"))[1]["refused"] == {"shared": 1}


def test_a_fault_at_the_end_brings_nobody(place: Place) -> None:
    """The whole file is read before anything is written."""
    file = place.write(f'user,secret\nann,{ANN}\nbob,"{BOB}\n')
    with pytest.raises(json.JSONDecodeError):
        place.run(file)
    assert not (place.path / "gate.db").exists()


def test_one_damaged_account_stops_no_other(place: Place) -> None:
    """Its line is refused, and everybody else of the file is brought."""
    assert place.run(place.write(f"ann,{uri(ANN)}\n"))[1]["imported"] == 1
    with closing(sqlite3.connect(place.path / "gate.db", isolation_level=None)) as connection:
        connection.execute("UPDATE account SET body = 'torn'")
    code, told = place.run(place.write(f"ann,{uri(ANN)}\nbob,{uri(BOB)}\n"))
    assert (code, told["imported"], told["refused"]) == (1, 1, {"unreadable": 1})


def test_a_tenant_that_cannot_be_named_any_more_stops_nobody(place: Place) -> None:
    """An account of a tenant that cannot be named any more stops no import.

    An older release took such names. The apps of those accounts are still known, and everybody else is
    imported.
    """
    odd = SubjectKey(" old ", "eve")

    async def keep(mine: MFAGate) -> None:
        service, account = mine.service, Account(key=odd)
        caller = Caller(subject=Subject("eve"), handle="", network="")
        rules = service.engine.rules("default")
        drawn = service.challenges.context(caller, rules, purpose="enroll", account=account)
        draft = Totp().adopt(replace(drawn, key=odd), secret=b32decode(ANN), digits=6, period=30)
        app = Authenticator(id="app", factor="totp", label="App", created_at=1, data=draft.data)
        assert await service.engine.store.swap(replace(account, authenticators=(app,)))

    change(place, keep)
    code, told = place.run(place.write(f"ann,{uri(ANN)}\nbob,{uri(BOB)}\n"))
    assert (code, told["imported"], told["refused"]) == (1, 1, {"shared": 1})


ALGORITHMS = {
    "SHA1": "sha1",
    "sha-1": "sha1",
    "SHA256": "sha256",
    "SHA-256": "sha256",
    "HmacSHA256": "sha256",
    "hmac-sha-512": "sha512",
    "SHA512": "sha512",
    "sha_512": "sha512",
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_apps_with_other_algorithms(place: Place, name: str) -> None:
    """RFC 6238 1.2: the app's own next code is right, one by another algorithm is wrong."""
    secret = bytes(range(64))
    text = b32encode(secret).decode().rstrip("=")
    assert place.run(place.write(f"user,secret,algorithm\nann,{text},{name}\n"))[1]["imported"] == 1
    step = int(time.time()) // 30
    codes = {word: hotp(secret, step, 6, word) for word in ("sha1", "sha256", "sha512")}
    right = codes.pop(ALGORITHMS[name])
    other = next(code for code in codes.values() if code != right)
    assert not asyncio.run(answers(place, "ann", other))
    assert asyncio.run(answers(place, "ann", right))


@pytest.mark.parametrize(
    ("algorithm", "size", "codes"),
    [
        ("sha1", 20, ("94287082", "07081804", "14050471", "89005924", "69279037", "65353130")),
        ("sha256", 32, ("46119246", "68084774", "67062674", "91819424", "90698825", "77737706")),
        ("sha512", 64, ("90693936", "25091201", "99943326", "93441116", "38618901", "47863826")),
    ],
)
def test_codes_are_those_of_the_standard(algorithm: str, size: int, codes: tuple[str, ...]) -> None:
    """RFC 6238, appendix B."""
    secret = (b"1234567890" * 7)[:size]
    times = (59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000)
    assert tuple(hotp(secret, at // 30, 8, algorithm) for at in times) == codes


@pytest.mark.parametrize(
    ("separator", "word"), [(",", ""), (";", "semicolons"), ("\t", "tabs")], ids=["comma", "semicolon", "tab"]
)
@pytest.mark.parametrize("options", [(), ("--format", "csv"), ("--format", "authelia")])
def test_separators_of_spreadsheets(place: Place, separator: str, word: str, options: tuple[str, ...]) -> None:
    """The separator is found by the line that names the columns, and told.

    Other signs in cells are text.
    """
    rows = (("User", "Secret", "label"), ("ann", ANN, '"a,b"'), ("bob", BOB, '"c;d"'))
    file = place.write("\ufeff" + "\r\n".join(separator.join(row) for row in rows) + "\r\n")
    code, told = place.run(file, *options)
    assert (code, told["imported"], told["separator"]) == (0, 2, word)
    assert place.account("bob").authenticators[0].label == "c;d"
    assert main(["import", str(file), "--dry-run", "--actor", "r", "--reason", "r", *options]) == 0
    out = place.capsys.readouterr().out
    assert out.startswith(f"2 read (columns separated by {word}): " if word else "2 read: ")


@pytest.mark.parametrize("store", [True, False])
def test_a_dry_run_writes_nothing(place: Place, store: bool) -> None:
    """It counts and refuses alike, with or without a store to compare with, and makes no file."""
    file = place.write(f"ann,{uri(ANN)}\nbob,{uri(WEAK)}\n")
    code, told = place.run(file, "--dry-run", store=store)
    assert (code, told["dry_run"], told["imported"], told["refused"]) == (1, True, 1, {"weak": 1})
    assert not (place.path / "gate.db").exists()
    place.run(place.write(f"ann,{uri(ANN)}\n", "first"))
    before = place.account("ann")
    assert place.run(file, "--dry-run")[1]["present"] == 1
    assert place.account("ann") == before
    assert place.account("bob").authenticators == ()


def test_used_codes_stay_used(place: Place) -> None:
    """S-59: the step that django-otp accepted last comes along, so its code is none here."""
    now = int(time.time()) // 30
    file = django(place.path / "host.db", (1, "default", 1, HEX, 30, 0, 6, now + 1, 1))
    assert place.run(file)[0] == 0
    assert place.account("1").authenticators[0].data["step"] == now + 1
    assert not asyncio.run(answers(place, "1", pyotp.TOTP(ANN).now()))


def test_another_epoch_is_refused(place: Place) -> None:
    """A device that counts from elsewhere than 1970 could never be right."""
    file = django(place.path / "host.db", (1, "default", 1, HEX, 30, 60, 6, -1, 1))
    assert place.run(file)[1]["refused"] == {"t0": 1}


def test_a_tenant_without_apps_is_refused(place: Place) -> None:
    """An app is refused in a tenant whose policy allows none."""
    assert place.run(place.write(f"ann,{uri(ANN)}\n"), "--tenant", "mail")[1]["refused"] == {"not_allowed": 1}


def test_tenants_from_the_file(place: Place) -> None:
    """A column ``tenant`` wins over the option."""
    file = place.write(f"tenant,user,secret\nclinic,ann,{ANN}\n,bob,{BOB}\n")
    assert place.run(file, "--tenant", "practice")[1]["imported"] == 2
    assert place.account("ann", "clinic").authenticators
    assert place.account("bob", "practice").authenticators


def test_it_is_written_down(place: Place) -> None:
    """Each enrollment commits with an event that names who and why; a last one sums up."""
    place.run(place.write(f"ann,{uri(ANN)}\n"))

    async def trail() -> Any:
        mine = place.gate()
        await mine.web.open()
        found = (await mine.service.engine.store.events("default")).items
        await mine.service.aclose()
        return found

    last, first = asyncio.run(trail())
    assert (last.kind, last.actor, last.detail) == ("store.imported", "operator:root", {"accounts": 1})
    assert (first.kind, first.account, first.reason, first.detail["by"]) == (
        "factor.enrolled",
        "ann",
        "moving",
        "import",
    )


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a,b\n1,2\n", [], "must name the columns"),
        ('user,secret\nann,"x\n', [], "apps, from line 2 on: unexpected end"),
        (f'user,secret\nbob,{BOB}\nann,"x\n\neve,{ANN}\n', [], "apps, from line 3 on: unexpected end"),
        ('user,"secret\n', [], "apps, line 1: unexpected end"),
        ("user," + "x" * 140_000, [], "apps, line 1: field larger than"),
        ("totp_configurations:\n  - username: a\n", ["--format", "authelia"], "export csv"),
        ("no database", ["--format", "django-otp"], "django-otp"),
        ("x", ["--format", "django-otp", "--user-column", "id; DROP"], "no name"),
    ],
)
def test_what_is_no_source(place: Place, text: str, options: list[str], says: str) -> None:
    """A file of another format is wrong use, told in one line."""
    with pytest.raises(json.JSONDecodeError):
        place.run(place.write(text), *options)
    code = main(["import", str(place.path / "apps"), "--actor", "r", "--reason", "r", "--dry-run", *options])
    assert (code, says in place.capsys.readouterr().err) == (2, True)


def test_for_people(place: Place) -> None:
    """Refusals go to standard error and the sum to standard output, without --json.

    There is no secret anywhere.
    """
    file = place.write(f"ann,{uri(ANN)}\nbob\x1b[2J,{uri(WEAK)}\neve,{uri(SHORT)}\n")
    assert main(["import", str(file), "--dry-run", "--actor", "r", "--reason", "r"]) == 1
    out, err = place.capsys.readouterr()
    assert out == "3 read: 2 would be imported, 0 there already, 1 refused, 1 short\n"
    assert "\x1b" not in err
    assert "line 3: eve: warning" in err
    assert ANN not in out + err
    assert WEAK not in out + err


def test_a_missing_file_is_wrong_use(place: Place) -> None:
    """As the other commands say it."""
    assert main(["import", str(place.path / "none"), "--dry-run", "--actor", "r", "--reason", "r"]) == 2


def test_records_hide_their_secrets(place: Place) -> None:
    """A record in a log or a traceback shows no secret."""
    (record,) = read(place.write(f"ann,{uri(ANN)}\n"), "auto", Options())
    assert isinstance(record, Record)
    assert "secret" not in repr(record)
