"""``policy explain --account`` judges a real person of a real store, as the gate does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.cli import main
from mfa_gate.cli.accounts import READER
from mfa_gate.cli.explain_person import person_lines
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.service.admin.documents import GrantLine, RecoveryLine
from mfa_gate.service.what_if import Answer, Question
from mfa_gate.web.responses import stamp
from tests.harness import FixedClock, make_world, running

from .store import Run, people, prepare, runner

NOW = FixedClock().now()
HELP = f"a request for help waits since {stamp(int(NOW))}"
RULES = """version = 1
name = "tests"
[[exempt]]
name = "static"
paths = ["/static/**"]
methods = ["GET"]
reason = "files"
permanent = true
[[step_up]]
name = "pay"
paths = ["/pay/**"]
max_age = "5m"
groups_any = ["clerk"]
[tenants.alpha]
owner = "a@b.example"
[tenants.beta]
factors = { allowed = ["webauthn", "totp", "backup-code"], choice = "tenant" }
"""


def at(seconds: int) -> str:
    """The moment so many seconds after the enrollments, as an option takes it."""
    return datetime.fromtimestamp(int(NOW) + seconds, UTC).isoformat()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, which no test changes."""
    made = tmp_path_factory.mktemp("explain")
    people(made / "mfa.db")
    return made


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    prepare(folder, monkeypatch)
    (folder / "policy.toml").write_text(RULES)
    return runner(capsys)


def explain(run: Run, *more: str, id: str = "bob", tenant: str = "alpha", later: int = 120) -> Any:
    code, found = run("policy", "explain", "--account", id, "--tenant", tenant, "--at", at(later), *more)
    assert code == 0, found
    return found


@pytest.mark.parametrize(
    ("more", "later", "state", "reason"),
    [
        ((), 120, "verified", ""),
        ((), 8 * 86_400, "challenge", "expired"),
        (("--address", "203.0.113.9"), 120, "challenge", "ip_changed"),
        (("--browser", "new"), 120, "challenge", "no_proof"),
        (("--request", "POST /pay/1"), 600, "verified", ""),
        (("--request", "POST /pay/1", "--groups", "clerk"), 600, "challenge", "step_up"),
        (("--request", "GET /static/x"), 120, "exempt", ""),
        (("--request", "GET /static/%2e%2e/pay/x", "--groups", "clerk"), 600, "challenge", "step_up"),
        (("--request", "GET /static//x", "--groups", "clerk"), 600, "challenge", "step_up"),
    ],
)
def test_the_decision_is_the_one_of_the_gate(
    run: Run, more: tuple[str, ...], later: int, state: str, reason: str
) -> None:
    """Proofs, networks, groups and unclean paths count as at the gate."""
    found = explain(run, *more, later=later)
    assert (found["state"], found["reason"]) == (state, reason)


def test_the_facts_of_the_person(run: Run) -> None:
    """Factors, proofs, lock and attempts are told, and what no store knows is called assumed."""
    bob = explain(run)["given"]
    assert [a["factor"] for a in bob["authenticators"]] == ["totp", "backup-code"]
    assert [p["counts"] for p in bob["proofs"]] == [True]
    assert bob["browser"] == bob["proofs"][0]["browser"]
    assert any("no group" in sentence for sentence in bob["assumed"])
    ann = explain(run, "--browser", "new", id="ann")
    assert (ann["state"], ann["given"]["locked"]["cause"]) == ("locked", "attempts")
    assert ann["given"]["attempts_used"] == 7


def test_a_person_whom_the_store_does_not_know(run: Run) -> None:
    """Such a person would enroll, and backup codes are no first factor."""
    found = explain(run, id="nobody")
    assert (found["state"], found["given"]["known"]) == ("enroll", False)
    assert "backup-code" not in found["factors"]
    assert "totp" in found["factors"]


def test_a_tenant_that_the_file_does_not_name(run: Run) -> None:
    """An unknown tenant is a note with the nearest name."""
    (note,) = explain(run, tenant="alhpa")["notes"]
    assert 'no section for the tenant "alhpa"' in note
    assert 'did you mean "alpha"' in note
    assert explain(run)["notes"] == []
    (own,) = explain(run, "--request", "GET /mfa/challenge")["notes"]
    assert "the gate's own pages" in own


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--browser", "none"), 'there is no browser "none"'),
        (("--request", "/x"), "a method and a path"),
        (("--store", "sqlite:////nowhere/at/all.db"), "there is no store"),
    ],
)
def test_a_wrong_question(run: Run, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str) -> None:
    """A question that means nothing is told in one line."""
    code = main(["policy", "explain", "--account", "bob", "--tenant", "alpha", *more])
    assert code in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("json_too", [(), ("--json",)])
@pytest.mark.parametrize(
    ("id", "tenant", "said"),
    [
        ("x" * 300, "alpha", "ID and --tenant: "),
        ("a\u00a0b", "alpha", "ID and --tenant: "),
        ("bob", "x" * 300, "ID and --tenant: "),
        ("bob", "alhpa", 'the policy does not name it, and says tenants_are = "closed"'),
    ],
)
def test_nobody_is_explained_who_cannot_be(
    run: Run,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    id: str,
    tenant: str,
    said: str,
    json_too: tuple[str, ...],
) -> None:
    """An id or a tenant that cannot be is wrong use, and no decision is printed."""
    closed = 'tenants_are = "closed"\n[[exempt]]' if "closed" in said else "[[exempt]]"
    (folder / "policy.toml").write_text(RULES.replace("[[exempt]]", closed))
    assert main(["policy", "explain", "--account", id, "--tenant", tenant, *json_too]) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert said in told.err


def test_a_factor_that_the_policy_does_not_allow_is_told(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A factor that the person has and may not use is marked, and no other is."""
    (folder / "policy.toml").write_text(RULES + '[tenants.alpha.factors]\nallowed = ["webauthn", "backup-code"]\n')
    assert main(["policy", "explain", "--account", "bob", "--tenant", "alpha", "--at", at(120)]) == 0
    (mine,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("factors ")]
    totp, backup = mine.removeprefix("factors").strip().split("; ")
    assert (totp[:6], totp[-14:]) == ("totp (", "), not allowed")
    assert (backup[:13], backup[-1]) == ("backup-code (", ")")


@pytest.mark.parametrize(
    ("id", "more", "facts"),
    [
        ("bob", (), {"person": "alpha/bob", "groups": "-", "judged in": "Unknown client", "attempts": "0 of 7 used"}),
        ("bob", ("--groups", "staff,clerk"), {"groups": "clerk, staff"}),
        ("bob", ("--browser", "new"), {"judged in": "a new browser", "network": "-"}),
        ("bob", ("--address", "203.0.113.9"), {"network": "203.0.113.9"}),
        ("ann", (), {"attempts": "7 of 7 used", "lock": "since "}),
        ("nobody", (), {"person": "alpha/nobody, whom the store does not know yet", "factors": "none"}),
    ],
)
def test_the_printed_facts(
    run: Run, capsys: pytest.CaptureFixture[str], id: str, more: tuple[str, ...], facts: dict[str, str]
) -> None:
    """Each fact that the decision was made from has its line."""
    assert main(["policy", "explain", "--account", id, "--tenant", "alpha", "--at", at(120), *more]) == 0
    head = capsys.readouterr().out.partition("\n\n")[0]
    found = {line[:11].strip(): line[11:].strip() for line in head.splitlines()}
    assert {name: found.get(name, "")[: len(text)] for name, text in facts.items()} == facts
    assert ("lock" in found) is (id == "ann")


@pytest.mark.parametrize(
    ("ends_at", "opens_at", "enabled_at", "facts"),
    [
        (0, 0, 0, {"break-glass": "waits for a second person, ref G", "recovery": f"{HELP}, ref H"}),
        (
            int(NOW) + 60,
            int(NOW) + 120,
            int(NOW),
            {
                "break-glass": f"until {stamp(int(NOW) + 60)}, ref G",
                "recovery": f"{HELP}, ref H, opens by itself at {stamp(int(NOW) + 120)}",
                "tenant": f"turned on by its administrators on {stamp(int(NOW))}",
                "picked": "the administrators picked totp, email",
            },
        ),
    ],
)
async def test_the_facts_of_help_that_was_given(
    ends_at: int, opens_at: int, enabled_at: int, facts: dict[str, str]
) -> None:
    """A grant, a request for help and a tenant that was turned on are told with their times."""
    async with running(make_world()) as world:
        await world.enrolled("bob")
        answer = await world.gate.service.what_if.ask(READER, Question(key=SubjectKey("alpha", "bob"), request="GET /"))
    assert isinstance(answer, Answer)
    at_now = int(NOW)
    grant = GrantLine(
        ref="G",
        asked_by="eve",
        asked_at=at_now,
        reason="r",
        ticket="t",
        hours=4,
        confirmed_by="",
        ends_at=ends_at,
        confirm_until=0,
        browsers=0,
        own=False,
    )
    help = RecoveryLine(at=at_now, about="", ref="H", held_until=0, opens_at=opens_at)
    settings = TenantSettings(tenant="alpha", enabled_at=enabled_at, factors=("totp", "email") if enabled_at else ())
    document = replace(answer.document, grant=grant, recovery=help)
    found = dict(person_lines(replace(answer, document=document, settings=settings)))
    assert {name: found.get(name) for name in ("break-glass", "recovery", "tenant", "picked") if name in found} == facts


def test_the_printed_answer(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The facts come first, then the part of each rule, then the decision."""
    assert main(["policy", "explain", "--account", "bob", "--tenant", "alpha", "--at", at(120)]) == 0
    told = capsys.readouterr().out
    assert told.index("alpha/bob") < told.index("stage ") < told.index("decision:  verified")
    assert "counts here" in told
