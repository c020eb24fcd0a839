"""``mfa-gate policy`` as a shell sees it: output, JSON, exit codes.

0 done, 1 the answer is no, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mfa_gate.cli.policy import add_commands
from tests.policyfile.kinds import HEAD, HERE

EXAMPLE = str(HERE / "example.toml")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]
Write = Callable[[str, str], str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("MFA_GATE_POLICY", raising=False)

    def called(*words: str) -> Ran:
        parser = argparse.ArgumentParser(prog="mfa-gate")
        add_commands(parser.add_subparsers(required=True))
        try:
            args = parser.parse_args(["policy", *words])
            code = args.run(args)
        except SystemExit as ended:
            code = ended.code
        return Ran(code, *capsys.readouterr())

    return called


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(HEAD + text)
        return str(path)

    return written


TOTP = "[factors]\nallowed = ['totp', 'backup-code']\n"
ASKED = "[[tests]]\nname = 'a stranger enrolls'\ngiven = {}\nexpect = { decision = 'enroll' }\n"


def test_check_of_a_sound_policy(run: Run, write: Write) -> None:
    """A policy without faults is 0, strict or not."""
    sound = write("p.toml", TOTP + ASKED)
    ran = run("check", sound)
    assert (ran.code, ran.err) == (0, "")
    assert 'p.toml: policy "x" is valid (0 warnings)' in ran.out
    assert run("check", sound, "--strict").code == 0


def test_check_tells_every_fault(run: Run, write: Write) -> None:
    """Faults are 1, on standard error; as JSON, each with file, line, path and text."""
    path = write("p.toml", "nam = 1\n[attempts]\nmax = 0\n")
    ran = run("check", path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[0] == f'{path}:3: nam: unknown key; did you mean "name"?'
    assert len(ran.err.splitlines()) == 2
    told = run("check", path, "--json").json
    faults = told["faults"]
    assert told["ok"] is False
    assert [(fault["file"], fault["line"], fault["path"]) for fault in faults] == [
        (path, 3, "nam"),
        (path, 5, "attempts.max"),
    ]


def test_check_strict_fails_on_warnings(run: Run, write: Write) -> None:
    """A warning is told and passes; with --strict it is 1; a note never is."""
    weak = write("weak.toml", TOTP + "[freshness]\nmax_age = '31d'\n")
    assert (run("check", weak).code, run("check", weak, "--strict").code) == (0, 1)
    assert "warning: freshness.max_age:" in run("check", weak).out
    assert run("check", weak, "--strict", "--json").json["ok"] is False
    noted = write("noted.toml", TOTP + "[enrollment]\nfirst = 'open'\n" + ASKED)
    assert run("check", noted, "--strict").code == 0


def test_check_names_rules_that_change_nothing(run: Run, write: Write) -> None:
    """A rule that another one makes needless is a warning, once."""
    rule = "[[exempt]]\nname = 'a'\npaths = ['=/a']\nmethods = ['GET']\nreason = 'x'\npermanent = true\n"
    path = write("idle.toml", TOTP + rule + rule.replace("'a'", "'tree'").replace("=/a", "/a/**"))
    ran = run("check", path)
    assert ran.code == 0
    assert ran.out.count("idle.toml:5: warning: exempt.a: no request is decided differently without it") == 1
    assert run("check", path, "--strict").code == 1
    assert (5, "exempt.a") in [(one["line"], one["path"]) for one in run("check", path, "--json").json["findings"]]


def test_check_runs_the_tests_of_the_file(run: Run, write: Write) -> None:
    """A test that does not hold is a fault, with its line; a file without tests is a warning."""
    path = write("p.toml", TOTP + ASKED.replace("'enroll'", "'verified'"))
    ran = run("check", path)
    assert (ran.code, ran.out) == (1, "")
    assert f'{path}:5: tests[0]: "a stranger enrolls": decision: expected "verified", got "enroll"' in ran.err
    (fault,) = run("check", path, "--json").json["faults"]
    assert (fault["line"], fault["path"]) == (5, "tests[0]")
    assert "bare.toml:1: warning: tests: no test says" in run("check", write("bare.toml", TOTP)).out


def test_check_tells_the_line_of_a_warning(run: Run, write: Write) -> None:
    """P-11: a remark has line, key, reason and fix, on the screen and as JSON."""
    path = write("p.toml", TOTP + ASKED + "[freshness]\nmax_age = '31d'\n")
    assert 'p.toml:10: warning: freshness.max_age: "31d" is longer than 30 days; write' in run("check", path).out
    (finding,) = run("check", path, "--json").json["findings"]
    assert (finding["line"], finding["path"], finding["fix"]) == (10, "freshness.max_age", 'write "30d" or less')


def test_check_names_the_clauses_of_a_profile(run: Run, write: Write) -> None:
    """Decision 1: a code of 15 minutes is told with its clause, and the policy stays."""
    path = write("p.toml", "[factors]\nallowed = ['totp', 'sms']\nsms.code.ttl = '15m'\n")
    ran = run("check", path, "--profile", "nist-aal2")
    assert ran.code == 0
    assert 'nist-aal2: factors.sms.code.ttl: "15m" is longer than ten minutes [SP 800-63B-4 3.1.3.2]' in ran.out
    assert run("check", path, "--profile", "asvs-l2", "--strict").code == 1
    told = run("check", path, "--profile", "asvs-l2", "--json").json
    assert ("factors.sms.code.ttl", "ASVS 5.0 6.5.5") in [(d["path"], d["clause"]) for d in told["deviations"]]
    assert "ASVS 5.0 6.5.1" in [met["clause"] for met in told["met"]]
    assert (
        "asvs-l2: met: every code and challenge is taken once only [ASVS 5.0 6.5.1]"
        in run("check", path, "--profile", "asvs-l2").out
    )
    assert run("check", path, "--profile", "pci").code == 2


@pytest.mark.parametrize("profile", ["nist-aal2", "asvs-l2", "hipaa", "pci-dss-4"])
def test_evidence(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    """The sheet is Markdown, or CSV; it needs a profile."""
    monkeypatch.delenv("MFA_GATE_STORE", raising=False)
    path = write("p.toml", TOTP)
    ran = run("check", path, "--profile", profile, "--evidence")
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"# Evidence: {profile}")
    assert run("check", path, "--profile", profile, "--evidence", "csv").out.startswith("Policy,fact,value\n")
    told = run("check", path, "--profile", profile, "--evidence", "--json").json
    assert {"fact": "profile", "value": profile} in told["evidence"]["Policy"]
    assert run("check", path, "--evidence").code == 2


def test_which_file(run: Run, monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    """The file comes from the argument, --policy or the environment.

    None, or one that is not there, is wrong use.
    """
    path = write("p.toml", TOTP)
    assert run("check").code == 2
    assert "MFA_GATE_POLICY" in run("check").err
    assert run("check", "--policy", path).code == 0
    monkeypatch.setenv("MFA_GATE_POLICY", path)
    assert run("check").code == 0
    assert run("check", "--policy", path + ".no").code == 2
    assert "there is no such file" in run("explain", path + ".no").err
    assert run("diff", path, path + ".no").code == 2


def test_no_command_is_wrong_use(run: Run) -> None:
    """``policy`` alone, and a command that does not exist."""
    assert run().code == 2
    assert run("chekc", EXAMPLE).code == 2


def test_explain(run: Run) -> None:
    """The table has every rule, then the decision, the rule and what the user sees."""
    words = ("explain", EXAMPLE, "--tenant", "clinic", "--enrolled", "totp", "--request", "POST /reports/export/1")
    ran = run(*words, "--verified", "6d")
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["step_up", "export", "hit", "*"] in [row[:4] for row in rows]
    assert ["agreement", "agreement", "not-reached"] in rows
    assert "decision:  challenge (step_up)" in ran.out
    assert "user sees: the challenge page (totp)" in ran.out
    assert "StepUp(why=Why(rule='export'" in run(*words, "--verified", "6d", "--verbose").out
    assert "decision:  challenge (ip_changed)" in run(*words, "--verified", "1m", "--ip-changed").out
    assert "decision:  agreement" in run(*words, "--verified", "1m").out
    assert "decision:  verified" in run(*words, "--verified", "1m", "--agreed").out
    assert "decision:  locked" in run(*words, "--locked").out
    assert "decision:  exempt" in run("explain", EXAMPLE, "--role", "patient", "--at", "2027-12-30").out
    assert "decision:  enroll" in run("explain", EXAMPLE, "--groups", "patient", "--at", "2027-12-31T00:00:00Z").out
    assert "decision:  off" in run("explain", EXAMPLE, "--not-enabled").out


RULES = f"""{TOTP}order = ['totp']
[[exempt]]
name = 'open'
paths = ['=/open']
reason = 'x'
permanent = true
[[exempt_subjects]]
name = 'patients'
groups_any = ['patient']
reason = 'x'
expires = 2027-12-31
[freshness]
max_age = '7d'
[networks]
hq = ['198.51.100.0/28']
[freshness.ip_change]
trusted = ['hq']
[agreement]
id = 'terms'
version = '1'
title = 'Terms'
file = 'terms.md'
[tenants.optional]
enrollment = {{ stage = 'optional' }}
[tenants.chosen]
enrollment = {{ stage = 'admin' }}
"""
STALE, FRESH = ("--enrolled", "totp", "--verified", "8d"), ("--enrolled", "totp", "--verified", "1m")
SITUATIONS = [
    ((), "--enrolled=totp", "enroll", "challenge (no_proof)"),
    (("--enrolled", "totp"), "--verified=1m", "challenge (no_proof)", "agreement"),
    (("--verified", "1m"), "--proof-factor=backup-code", "agreement", "enroll"),
    (FRESH, "--agreed", "agreement", "verified"),
    (FRESH, "--ip=other", "agreement", "challenge (ip_changed)"),
    (FRESH, "--ip=trusted", "agreement", "agreement"),
    (FRESH, "--ip-changed", "agreement", "challenge (ip_changed)"),
    (STALE, "--locked", "challenge (expired)", "locked"),
    (STALE, "--request=GET /open", "challenge (expired)", "exempt"),
    (STALE, "--groups=clerk,patient", "challenge (expired)", "exempt"),
    (STALE, "--role=patient", "challenge (expired)", "exempt"),
    ((*STALE, "--role=patient"), "--at=2028-01-01T00:00:00Z", "exempt", "challenge (expired)"),
    (("--tenant=optional",), "--skipped", "enroll", "agreement"),
    (("--tenant=chosen",), "--not-enabled", "enroll", "off"),
    (("--not-enabled",), "--tenant=chosen", "enroll", "off"),
]


ANSWERS = {
    ("agreement", "agreement, missing: 1", 'the agreement "Terms"'),
    ("challenge (expired)", "freshness, missing: expired", "the challenge page (totp)"),
    ("challenge (ip_changed)", "freshness, missing: ip_changed", "the challenge page (totp)"),
    ("challenge (no_proof)", "freshness, missing: no_proof", "the challenge page (totp)"),
    ("enroll", "enrollment, missing: factor", "the enrollment page (totp)"),
    ("enroll", "enrollment, missing: factor", "the enrollment page, with a way to skip (totp)"),
    ("exempt", "open", "the page"),
    ("exempt", "patients", "the page"),
    ("locked", "attempts, missing: unlock", "the page that says who can unlock"),
    ("off", "off", "the page"),
    ("verified", "proof", "the page"),
}
"""A decision, its rule with what is missing, and what the person sees."""


@pytest.mark.parametrize(("words", "option", "before", "then"), SITUATIONS)
def test_each_option_of_explain_is_a_part_of_the_situation(
    run: Run, write: Write, words: tuple[str, ...], option: str, before: str, then: str
) -> None:
    """An option that counts for nothing would explain another request than the one asked."""
    path = write("p.toml", RULES)
    Path(path).with_name("terms.md").write_text("Be kind.")
    at = () if option.startswith("--at") else ("--at", "2027-01-01T00:00:00Z")
    found = [run("explain", path, *at, *words, *more).out for more in ((), (option,))]
    told = [tuple(line.partition(":")[2].strip() for line in out.splitlines()[-3:]) for out in found]
    assert [decision for decision, _, _ in told] == [before, then]
    assert {*told} <= ANSWERS


def test_explain_as_json_is_the_decision(run: Run) -> None:
    """The JSON has the decision's own fields, every row, and the offered factors."""
    told = run("explain", EXAMPLE, "--tenant", "clinic", "--enrolled", "email", "--verified", "8d", "--json").json
    assert told["decision"]["kind"] == "StepUp"
    assert told["decision"]["demand"]["max_age"] == 604_800
    assert (told["state"], told["reason"], told["factors"]) == ("challenge", "expired", ["email"])
    assert {row["rule"] for row in told["rules"]} >= {"health", "patients", "freshness", "export", "agreement"}


@pytest.mark.parametrize(
    "words",
    [
        ("--verified", "soon"),
        ("--request", "/export"),
        ("--at", "tomorrow"),
        ("--ip", "near"),
        ("--enrolled", "totp", "--proof-factor", "email", "--verified", "1d"),
    ],
)
def test_explain_of_nonsense_is_wrong_use(run: Run, words: tuple[str, ...]) -> None:
    """A situation that cannot be ends with exit code 2 and a word about the mistake."""
    ran = run("explain", EXAMPLE, *words)
    assert ran.code == 2
    assert ran.err


def test_explain_guesses_what_was_proven(run: Run, write: Write) -> None:
    """An age without a factor counts as a proof by the factor that the policy offers first."""
    path = write("p.toml", TOTP)
    assert "decision:  verified" in run("explain", path, "--verified", "6d").out
    told = run("explain", path, "--proof-factor", "totp", "--verified", "6d", "--json").json
    assert told["given"]["enrolled"] == ["totp"]


def test_the_policys_own_tests(run: Run, write: Write) -> None:
    """All tests hold: 0. One does not: 1, and the claim that failed is shown."""
    assert run("test", EXAMPLE).code == 0
    test = "[[tests]]\nname = 'a'\ngiven = {}\nexpect = { decision = 'allow' }\n"
    path = write("p.toml", test)
    ran = run("test", path)
    assert ran.code == 1
    assert "FAIL a" in ran.out
    assert 'decision: expected "verified", got "enroll" (rule enrollment)' in ran.out
    assert ran.out.splitlines()[-1] == "0 of 1 tests hold"
    ran = run("test", path, "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    two = run("test", write("two.toml", test + TOTP + ASKED))
    assert (two.code, two.out.splitlines()[-1]) == (1, "1 of 2 tests hold")
    for words in (("test", path, "--threshold", "0"), ("test", write("sound.toml", ASKED), "--threshold", "100")):
        assert (run(*words).code, run(*words, "--json").code) == (1, 1)


def test_no_tests_are_a_warning(run: Run, write: Write) -> None:
    """A file without [[tests]] is told so, with line and fix; it still holds."""
    bare = write("bare.toml", "")
    ran = run("test", bare)
    assert ran.code == 0
    assert "bare.toml:1: warning: tests: no test says what must stay true" in ran.out
    assert [one["path"] for one in run("test", bare, "--json").json["warnings"]] == ["tests"]


def test_a_failing_test_has_its_line(run: Run, write: Write) -> None:
    """The place of the test in the file stands beside its name, and in the JSON."""
    path = write("p.toml", "# a remark\n[[tests]]\nname = 'a'\ngiven = {}\nexpect = { decision = 'allow' }\n")
    assert "FAIL a (p.toml:4)" in run("test", path).out
    assert run("test", path, "--json").json["tests"][0]["line"] == 4


def test_a_test_of_an_unknown_tenant_fails(run: Run, write: Write) -> None:
    """A mistyped name is a failure, with the nearest name.

    Else it would be tested by the rules of the file.
    """
    test = "[[tests]]\nname = 'a'\ngiven = {{ tenant = '{}' }}\nexpect = {{ decision = 'enroll' }}\n"
    tenant = "[tenants.finance]\n"
    assert run("test", write("p.toml", tenant + test.format("finance"))).code == 0
    ran = run("test", write("p.toml", tenant + test.format("finnance")))
    assert ran.code == 1
    assert 'there is no section [tenants.finnance]; did you mean "finance"?' in ran.out


def test_coverage(run: Run, write: Write) -> None:
    """Parts that no test exercises are listed; below the threshold the answer is 1."""
    path = write("p.toml", "[[tests]]\nname = 'a'\ngiven = {}\nexpect = { decision = 'enroll' }\n")
    ran = run("test", path, "--coverage")
    assert ran.code == 0
    assert "no test: freshness.max_age: a proof younger than 7d" in ran.out
    assert ran.out.splitlines()[-1] == "coverage: 14%, 1 of 7 parts"
    assert run("test", path, "--threshold", "14").code == 0
    assert run("test", path, "--threshold", "15%").code == 1
    assert run("test", path, "--threshold", "101").code == 2
    told = run("test", path, "--threshold", "15", "--json").json
    assert (told["ok"], told["coverage"]["percent"], len(told["coverage"]["missed"])) == (False, 14, 6)
    assert "coverage" not in run("test", path, "--json").json


def test_diff(run: Run, write: Write) -> None:
    """Looser is 1 unless allowed; stricter and equal are 0. A witness stands below the change."""
    old, new = write("old.toml", ""), write("new.toml", "[freshness]\nmax_age = '8d'\n")
    ran = run("diff", old, new)
    assert ran.code == 1
    change, witness = ran.out.splitlines()
    assert change.split() == ["looser", "(all)", "freshness.max_age", "7d", "->", "8d"]
    assert witness == "    GET /elsewhere by anybody, passkey 7d old: asked before, passes now"
    assert "--allow-looser" in ran.err
    for allowed in ("--allow-looser", "--allow-weaker"):
        assert run("diff", old, new, allowed).code == 0
    assert run("diff", new, old).code == 0
    assert run("diff", old, old).out == "no difference\n"
    told = run("diff", old, new, "--json").json
    assert told["ok"] is False
    assert told["differences"][0]["change"] == "looser"
    assert told["differences"][0]["witness"]["request"] == "GET /elsewhere"


def test_diff_begins_with_what_is_looser(run: Run, write: Write) -> None:
    """Changes that stop a release stand first, then the stricter ones, then the rest."""
    rule = "[[exempt]]\nname = '{}'\npaths = ['{}']\nreason = 'x'\npermanent = true\n"
    text = "[freshness]\nmax_age = '{}d'\n[attempts]\nmax = {}\n[brand]\nname = '{}'\n" + rule.format("all", "/a/**")
    old = write("old.toml", text.format(7, 6, "A"))
    new = write("new.toml", text.format(6, 7, "B") + rule.format("idle", "=/a/b"))
    for command in ("diff", "equal"):
        ran = run(command, old, new)
        lines = [line.partition("(all)") for line in ran.out.splitlines() if line[0] != " "]
        told = [(change.strip(), rest.split()[0]) for change, _, rest in lines]
        assert told == [
            ("looser", "attempts.max"),
            ("stricter", "freshness.max_age"),
            ("neutral", "brand.name"),
            ("no request", "exempt.idle"),
        ]
        assert ran.code == 1
    assert [one["path"] for one in run("diff", old, new, "--json").json["differences"]] != [path for _, path in told]


def test_diff_finds_what_is_replaced(run: Run, write: Write) -> None:
    """Payments in the place of the sign-in page are looser, and stop the release."""
    rule = "[[exempt]]\nname = 'open'\npaths = ['=/login', '/static/**']\nreason = 'x'\npermanent = true\n"
    old, new = write("old.toml", rule), write("new.toml", rule.replace("/static", "/payout"))
    ran = run("diff", old, new)
    assert ran.code == 1
    assert "GET /payout by anybody, passkey not proven: asked before, passes (open) now" in ran.out


def test_equal(run: Run, write: Write) -> None:
    """Equal is 0: words, order and names of rules count for nothing.

    Anything looser or stricter is 1.
    """
    rule = "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '5m'\n"
    one, other = write("one.toml", rule + "# x\n"), write("other.toml", rule.replace("'a'", "'b'"))
    ran = run("equal", one, other)
    assert (ran.code, ran.out.partition(":")[0]) == (0, "equal")
    stricter = write("stricter.toml", rule.replace("5m", "4m"))
    assert run("equal", one, stricter).code == 1
    assert "step_up.a.max_age" in run("equal", one, stricter).out
    assert run("equal", stricter, one, "--json").json["ok"] is False
    assert run("equal", one).code == 2


def test_a_faulty_file_is_the_answer_no(run: Run, write: Write) -> None:
    """Every other command refuses a faulty file with all its faults."""
    bad = write("bad.toml", "[attempts]\nmax = 0\nmaxx = 1\n")
    for words in (("explain", bad), ("test", bad), ("diff", bad, bad), ("impact", bad, "--events", bad)):
        ran = run(*words)
        assert ran.code == 1, words
        assert ran.err.startswith("2 faults:\nbad.toml:4: attempts.max:"), ran.err
    told = run("test", bad, "--json").json
    assert (told["ok"], len(told["faults"])) == (False, 2)


def test_impact(run: Run, write: Write, tmp_path: Path) -> None:
    """Events are read from a file; counts come by outcome."""
    events = tmp_path / "audit.jsonl"
    rows = [
        {"kind": "proof.granted", "at": at, "tenant": "t", "account": "a", "factor": "totp", "network": "n"}
        for at in (0, 9)
    ]
    events.write_text("\n".join(json.dumps(row) for row in rows) + "\nnoise\n")
    path = write("p.toml", TOTP)
    ran = run("impact", path, "--events", str(events))
    assert ran.code == 0
    assert "2 of 3 events were decisions; 1 lines could not be read" in ran.out
    told = run("impact", path, "--events", str(events), "--json").json
    assert sorted(impact["after"] for impact in told["impacts"]) == ["challenge (no_proof)", "verified"]
    assert run("impact", path, "--events", str(tmp_path / "none")).code == 2


APP = """
from starlette.applications import Starlette
from starlette.routing import Route
async def page(request): ...
app = Starlette(routes=[Route("/healthz", page), Route("/charts", page)])
def make():
    return app
def broken(x): ...
"""


def test_routes(run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app is imported by name; a rule that matches no route is 1."""
    (tmp_path / "policy_routes_shop.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    rule = "[[exempt]]\nname = 'health'\npaths = ['=/{}']\nreason = 'x'\npermanent = true\n"
    good, bad = write("good.toml", rule.format("healthz")), write("bad.toml", rule.format("health"))
    for name in ("app", "make"):
        ran = run("routes", good, "--app", f"policy_routes_shop:{name}")
        assert ran.code == 0, ran.err
        assert ["GET", "/healthz", "exempt", "health"] in [line.split() for line in ran.out.splitlines()]
    ran = run("routes", bad, "--app", "policy_routes_shop:app")
    assert (ran.code, ran.err) == (1, "exempt.health: matches no route\n")
    assert run("routes", bad, "--app", "policy_routes_shop:app", "--json").json["idle_rules"] == ["exempt.health"]
    for name in ("policy_routes_shop", "policy_routes_shop:none", "no_such_module:app", "policy_routes_shop:broken"):
        assert run("routes", good, "--app", name).code == 2, name
    assert str(tmp_path) not in sys.path


def test_schema(run: Run) -> None:
    """The schema is printed as JSON."""
    assert run("schema").json["properties"]["version"] == {
        "const": 1,
        "description": "The version of this format. It must be 1.",
    }


NAMED = ("check", "explain", "test", "diff", "equal", "impact", "routes")


@pytest.mark.parametrize("command", NAMED)
def test_a_wrong_name_is_told_with_the_command(run: Run, write: Write, command: str) -> None:
    """One line names the command and the file, and nothing is on standard output."""
    path = write("p.toml", TOTP)
    more = {"diff": (path,), "equal": (path,), "routes": ("--app", "none:app")}.get(command, ())
    for json_too in ((), ("--json",)):
        ran = run(command, f"{path}.no", *more, *json_too)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == f"mfa-gate policy {command}: {path}.no: there is no such file\n"


@pytest.mark.parametrize(
    ("end", "told"),
    [("/x", "not a directory"), ("x" * 300, "file name too long")],
)
def test_a_name_that_can_be_none(run: Run, write: Write, end: str, told: str) -> None:
    """The system's reason is told, in words."""
    path = write("p.toml", TOTP)
    ran = run("check", f"{path}{end}")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f": {told}\n")


@pytest.mark.parametrize("command", [*NAMED, "schema", "keys", "example"])
def test_each_command_takes_the_factors_of_an_app(run: Run, write: Write, command: str) -> None:
    """An app that cannot be loaded is wrong use; its factors would be unknown."""
    path = write("p.toml", TOTP)
    files = (path, path) if command in ("diff", "equal") else (path,) if command in NAMED else ()
    ran = run(command, *files, "--app", "no_such_module:app")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"mfa-gate policy {command}: --app no_such_module:app: ")


SHOWN = [
    (
        ("check", "weak.toml"),
        'weak.toml: policy "x" is valid (1 warning)',
        ("findings", 0, "path"),
        "freshness.max_age",
    ),
    (("explain", "weak.toml"), "decision:  enroll", ("decision", "kind"), "Enroll"),
    (("test", "weak.toml"), "ok   a stranger enrolls", ("tests", 0, "name"), "a stranger enrolls"),
    (("diff", "sound.toml", "weak.toml"), "looser  (all)", ("differences", 0, "change"), "looser"),
    (("equal", "sound.toml", "sound.toml"), "equal: every request", ("differences",), []),
    (("equal", "sound.toml", "weak.toml"), "looser  (all)", ("differences", 0, "change"), "looser"),
    (("keys", "freshness.max_age"), "How long a proof counts.", (0, "head"), "[freshness]"),
]


@pytest.mark.parametrize(("words", "shown", "place", "value"), SHOWN)
def test_each_command_has_a_text_and_a_document(
    run: Run, write: Write, words: tuple[str, ...], shown: str, place: tuple[str | int, ...], value: object
) -> None:
    """People read lines, and programs read JSON: never one for the other."""
    paths = {
        "sound.toml": write("sound.toml", TOTP + ASKED),
        "weak.toml": write("weak.toml", TOTP + ASKED + "[freshness]\nmax_age = '31d'\n"),
    }
    words = tuple(paths.get(word, word) for word in words)
    lines = run(*words).out.splitlines()
    assert [line for line in lines if line.startswith(shown)]
    found = run(*words, "--json").json
    for step in place:
        found = found[step]
    assert found == value


def test_the_example_is_a_policy(run: Run, tmp_path: Path) -> None:
    """The printed text is a policy without a warning; as JSON it is the same text."""
    text = run("example").out
    assert text.startswith("# A policy with every key.")
    assert run("example", "--json").json == {"policy": text}
    (tmp_path / "printed.toml").write_text(text)
    assert run("check", str(tmp_path / "printed.toml"), "--strict").code == 0


def test_one_key(run: Run) -> None:
    """A section or a key can be asked for; a wrong name is told with the nearest one."""
    assert run("keys", "freshness").out.count("### ") >= 1
    assert "`max`" not in run("keys", "freshness.max_age").out
    ran = run("keys", "freshnes.max_age")
    assert (ran.code, ran.out) == (2, "")
    assert 'no key or section is named "freshnes.max_age"; did you mean "freshness.max_age"?' in ran.err


def test_keys(run: Run) -> None:
    """Every key is printed, as Markdown and as JSON."""
    assert "| `max_age` | duration, between" in run("keys").out
    heads = [section["head"] for section in run("keys", "--json").json]
    assert heads[:2] == ["", "[factors]"]
    assert "[[step_up]]" in heads
