"""A factor from outside of the package: one file and its template.

It is given to the gate, and known everywhere.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

import mfa_gate.factors
from mfa_gate import DEFAULT_FACTORS, MFAGate, RelyingParty, SettingsError
from mfa_gate.cli import main
from mfa_gate.core.rules import FactorRules, Policy
from mfa_gate.factors import Registry
from mfa_gate.factors.base import Factor
from mfa_gate.factors.totp import Totp, hotp
from mfa_gate.identity import SessionUser
from mfa_gate.keyring import make_key
from mfa_gate.policyfile import parse_policy
from mfa_gate.web.render import Renderer
from tests.harness import Browser, World, make_world, running

from .hotp import Hotp, HotpRules

OURS = (*DEFAULT_FACTORS, Hotp())
TEXT = """version = 1
name = "devices"
[factors]
allowed = ["hotp", "totp", "backup-code"]
order = ["hotp", "totp"]
[factors.hotp]
look_ahead = 2
[enrollment]
first = "open"
"""
HERE = Path(__file__).parent
README = Path(mfa_gate.factors.__file__).parent / "README.md"
APP = "tests.factors.test_outside:app"


def devices(factors: Sequence[Factor] = OURS) -> Policy:
    return parse_policy(TEXT, base=HERE, factors=Registry(factors))


def from_readme(folder: Path) -> Factor:
    """Write the two files that the README shows, and make the factor in them."""
    text = README.read_text()
    for kind, name in (("python", "hotp.py"), ("html", "hotp.html")):
        found = re.search(rf"```{kind} factor\n(.*?)```", text, re.S)
        assert found is not None
        (folder / name).write_text(found[1])
    spec = spec_from_file_location("of_the_readme", folder / "hotp.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    made: Factor = module.Hotp()
    return made


def app() -> Starlette:
    """The app that ``--app`` names."""
    made = Starlette()
    party = RelyingParty(id="app.example", name="App", origins=["https://app.example"])
    gate = MFAGate(
        policy=devices(),
        identify=SessionUser("user_id"),
        store="memory://",
        keys=[make_key(bytes(range(1, 33)))],
        relying_party=party,
        factors=OURS,
    )
    gate.install(made)
    return made


@pytest.fixture
def policy_file(tmp_path: Path) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture(params=["file", "README"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    factors = OURS if request.param == "file" else (*DEFAULT_FACTORS, from_readme(tmp_path))
    made = make_world(policy=devices(factors), factors=factors)
    object.__setattr__(made.gate.web.site, "renderer", Renderer(factors=Registry(factors)))
    async with running(made) as found:
        yield found


def code(secret: str, counter: int) -> str:
    return hotp(bytes.fromhex(secret), counter, 8)


async def enroll(browser: Browser) -> str:
    """Bind the device by JSON calls; returns its secret."""
    begun = (await browser.api("POST", "enroll", {"factor": "hotp"})).json()
    answer = {"enrollment": begun["enrollment"], "response": code(begun["secret"], 0)}
    done = await browser.api("POST", "enroll/confirm", answer)
    assert done.status == 201, done.text
    return str(begun["secret"])


def test_a_policy_names_it_only_where_the_gate_knows_it() -> None:
    """Its options have bounds and defaults; without the factor the same file is refused."""
    rules = devices().base.factors
    assert rules.options["hotp"] == HotpRules(look_ahead=2)
    with pytest.raises(SettingsError, match=r'"hotp" is not one of'):
        parse_policy(TEXT, base=HERE)
    with pytest.raises(
        SettingsError, match=r"factors\.hotp\.look_ahead: 99 is out of bounds: it must be between 0 and 10"
    ):
        parse_policy(TEXT.replace("look_ahead = 2", "look_ahead = 99"), base=HERE, factors=Registry(OURS))
    with pytest.raises(SettingsError, match=r"factors\.hotp: .* valid codes / 10\^6 = .* is above"):
        parse_policy(
            TEXT.replace("look_ahead = 2", "look_ahead = 10\ndigits = 6") + "[attempts]\nmax = 20\n",
            base=HERE,
            factors=Registry(OURS),
        )


def test_two_factors_of_one_kind_are_refused() -> None:
    """A gate starts with one factor a kind."""
    with pytest.raises(SettingsError, match="two have the kind 'totp'"):
        make_world(factors=[*DEFAULT_FACTORS, Totp()])


@pytest.mark.parametrize("how", ["--app", "entry point"])
def test_the_commands_know_it(
    how: str, policy_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands take the factor from the app's gate or from an installed package.

    ``policy check``, ``policy explain`` and ``policy schema`` do so.
    """
    more = ["--app", APP] if how == "--app" else []
    if how == "entry point":
        mine = EntryPoint(name="hotp", value="tests.factors.hotp:Hotp", group="mfa_gate.factors")
        monkeypatch.setattr("mfa_gate.cli.factors.entry_points", lambda group: (mine,))
    assert main(["policy", "check", policy_file, *more]) == 0
    assert main(["policy", "explain", policy_file, "--enrolled", "hotp", *more]) == 0
    capsys.readouterr()
    assert main(["policy", "schema", *more]) == 0
    section = json.loads(capsys.readouterr().out)["properties"]["factors"]["properties"]["hotp"]["properties"]
    assert (section["look_ahead"]["minimum"], section["look_ahead"]["maximum"]) == (0, 10)
    assert section["look_ahead"]["description"].startswith("How many codes the device may be ahead.")


def test_a_package_whose_factor_cannot_be_loaded_is_told(
    policy_file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command names the entry point that failed to load.

    That is no answer about the policy: it is not refused for an unknown kind.
    """
    broken = EntryPoint(name="hotp", value="tests.factors.nowhere:Hotp", group="mfa_gate.factors")
    monkeypatch.setattr("mfa_gate.cli.factors.entry_points", lambda group: (broken,))
    assert main(["policy", "check", policy_file]) == 2
    assert "tests.factors.nowhere:Hotp" in capsys.readouterr().err


def test_without_it_the_command_refuses_the_file(policy_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A factor that no gate knows is a fault of the policy."""
    assert main(["policy", "check", policy_file]) == 1
    assert '"hotp" is not one of' in capsys.readouterr().err


def test_doctor_looks_at_its_gate(capsys: pytest.CaptureFixture[str]) -> None:
    """The doctor has nothing to say against it."""
    main(["doctor", "--app", APP, "--json"])
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert not [line for line in lines if line["part"] == "policy" and line["verdict"] in ("fault", "warning")]
    assert not [line for line in lines if "hotp" in line["text"]]


async def test_it_is_enrolled_on_its_own_pages(world: World) -> None:
    """The factor is enrolled on its own pages, from the choice to the right code.

    The page shows the key and the length of the code. It refuses a code that is too short or too long.
    """
    ann = await world.browser()
    choice = (await ann.page("/mfa/enroll")).text
    assert "Code device" in choice
    assert "A small device shows a code" in choice
    assert "Set up a code device" in (await ann.page("/mfa/enroll/hotp")).text
    await ann.form("/mfa/enroll/hotp", {"action": "start"})
    page = (await ann.page("/mfa/enroll/hotp")).text
    assert "Codes have 8 digits." in page
    secret, draft = (
        re.search(rf'{what}"[^>]*?(?:>|value=")([0-9a-zA-Z_-]+)', page) for what in ('class="key', 'name="enrollment')
    )
    assert secret is not None
    assert draft is not None
    fields = {"enrollment": draft[1], "action": "confirm"}
    for typed, said in (("1234567", "too short"), ("123456789", "too long"), ("1234567x", "doesn’t look like")):
        reply = await ann.form("/mfa/enroll/hotp", {**fields, "code": typed})
        assert (reply.status, said in reply.text) == (422, True), reply.text
    reply = await ann.form("/mfa/enroll/hotp", {**fields, "code": code(secret[1], 0)})
    assert reply.status == 303
    assert [a.factor for a in (await world.account()).authenticators] == ["hotp", "backup-code"]
    assert "Code device" in (await ann.page("/mfa")).text


async def test_it_signs_in_and_each_code_counts_once(world: World) -> None:
    """JSON: a right code opens, the same one again is wrong; the page names the length."""
    secret = await enroll(await world.browser())
    later = await world.browser(sid="later")
    mine = await later.authenticator("hotp")
    asked = await later.api("POST", "challenge", {"authenticator": mine})
    assert (asked.status, asked.json()["factor"]) == (201, "hotp")
    page = (await later.page(f"/mfa/challenge/{mine}")).text
    assert "Press the button of your device" in page
    assert "It shows 8 digits." in page
    right = {"authenticator": mine, "response": code(secret, 2)}
    assert (await later.api("POST", "verify", right)).status == 200
    assert await later.is_in()
    assert (await world.account()).attempts.used == 0
    again = await (await world.browser(sid="again")).api("POST", "verify", right)
    assert (again.status, again.reason) == (422, "wrong_code")


async def test_wrong_codes_lock_and_the_trail_names_it(world: World) -> None:
    """Seven wrong codes lock; each of them is in the trail with the kind."""
    secret = await enroll(await world.browser())
    thief = await world.browser(sid="thief")
    mine = await thief.authenticator("hotp")
    right = {code(secret, counter) for counter in range(5)}
    wrong = [text for text in (f"{number:08}" for number in range(20)) if text not in right]
    reasons = [
        (await thief.api("POST", "verify", {"authenticator": mine, "response": text})).reason for text in wrong[:7]
    ]
    assert reasons[:6] == ["wrong_code"] * 6
    account = await world.account()
    assert account.lock is not None
    told = [event for event in world.events if event.kind in ("attempt.refused", "attempt.failed")]
    assert {event.factor for event in told} == {"hotp"}
    assert [event.kind for event in world.events if event.kind == "account.locked"]
    assert (await thief.api("POST", "verify", {"authenticator": mine, "response": code(secret, 1)})).reason == "locked"


async def test_the_rules_of_each_tenant_are_filled_in(world: World) -> None:
    """The registry fills in the parts that a policy made in code leaves out."""
    given = world.engine.policy
    bare = replace(given, base=replace(given.base, factors=FactorRules()))
    world.engine.use_policy(bare)
    factors: Any = world.engine.rules("alpha").factors
    assert factors.allowed == tuple(factor.traits.kind for factor in OURS)
    hotp_rules = world.engine.factors["hotp"].options
    assert hotp_rules is not None
    assert factors.options["hotp"] == hotp_rules()
