"""The direction of a change of the file, for each key and each tenant, and its witness."""

from __future__ import annotations

import time

import pytest

from mfa_gate.core.options import Key
from mfa_gate.core.rules import Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile import parse_policy
from mfa_gate.policyfile.keys import FILE_KEYS, key_for
from mfa_gate.policyfile.rails import LIMIT_ROWS
from mfa_gate.policyfile.shape import specs_of
from mfa_gate.policyfile.tools.diff import Difference, are_equal, differences, loosened

from ..kinds import HERE, policy

NOW = 1_760_000_000
"""In October 2025."""

EXEMPT = "[[exempt]]\nname = 'a'\npaths = ['=/a']\nmethods = ['GET']\nreason = 'x'\nexpires = 2027-12-31\n"
SUBJECTS = "[[exempt_subjects]]\nname = 'a'\ngroups_any = ['b']\nreason = 'x'\npermanent = true\n"
STEP_UP = "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmethods = ['POST']\nmax_age = '5m'\n"
HQ = "[networks]\nhq = ['192.0.2.0/25']\n[freshness.ip_change]\ntrusted = ['hq']\n"
AGREEMENT = "[agreement]\nid = 'a'\nversion = '1'\ntitle = 'A'\nfile = 'agreements/data-access.md'\n"


def compared(old: str, new: str) -> tuple[Difference, ...]:
    return differences(policy(old), policy(new), now=NOW)


def changes(old: str, new: str) -> list[tuple[str, str, str]]:
    return [(d.tenant, d.path, d.change) for d in compared(old, new)]


@pytest.mark.parametrize(
    ("weaker", "stronger", "path"),
    [
        ("[freshness]\nmax_age = '8d'\n", "", "freshness.max_age"),
        ("[attempts]\nmax = 8\n", "", "attempts.max"),
        ("[attempts]\nrolling = { window = '10d' }\n", "", "attempts.rolling.window"),
        ("", "[attempts]\nlock_ends_sessions = true\n", "attempts.lock_ends_sessions"),
        ("[freshness.ip_change]\naction = 'log'\n", "", "freshness.ip_change.action"),
        ("[freshness.ip_change]\ncompare = { v4 = 24 }\n", "", "freshness.ip_change.compare.v4"),
        ("[freshness.ip_change]\ncompare = { v6 = 48 }\n", "", "freshness.ip_change.compare.v6"),
        ("mode = 'report-only'\n", "", "mode"),
        ("[factors.email]\ncode = { ttl = '15m' }\n", "", "factors.email.code.ttl"),
        ("", "[factors.sms]\nregions = ['US']\n", "factors.sms.regions"),
        ("[factors.sms]\nregions = ['US', 'CA']\n", "[factors.sms]\nregions = ['US']\n", "factors.sms.regions"),
        ("[factors.sms]\nrefuse_types = []\n", "", "factors.sms.refuse_types"),
        ("", "[factors]\nallowed = ['webauthn', 'totp']\n", "factors.allowed"),
        ("[factors]\nallowed = ['totp', 'webauthn']\n", "[factors]\nallowed = ['totp']\n", "factors.allowed"),
        ("[roles]\nunlock = ['admin', 'security', 'support']\n", "", "roles.unlock"),
        ("[enrollment]\nstage = 'off'\n", "[enrollment]\nstage = 'optional'\n", "enrollment.stage"),
        ("[enrollment]\nstage = 'optional'\n", "", "enrollment.stage"),
        ("[enrollment]\nstage = 'admin'\n", "", "enrollment.stage"),
        ("[enrollment]\nrequired_from = 2026-01-01\n", "[enrollment]\n", "enrollment.required_from"),
        (
            "[enrollment]\nrequired_from = 2026-01-02\n",
            "[enrollment]\nrequired_from = 2026-01-01\n",
            "enrollment.required_from",
        ),
        ("[enrollment]\nfirst = 'open'\n", "", "enrollment.first"),
        (EXEMPT, "", "exempt.a"),
        (EXEMPT.replace("'=/a'", "'=/a', '=/b'"), EXEMPT, "exempt.a.paths"),
        (EXEMPT.replace("'GET'", "'GET', 'POST'"), EXEMPT, "exempt.a.methods"),
        (EXEMPT.replace("2027", "2028"), EXEMPT, "exempt.a.expires"),
        (EXEMPT.replace("expires = 2027-12-31", "permanent = true"), EXEMPT, "exempt.a.expires"),
        (SUBJECTS, "", "exempt_subjects.a"),
        (SUBJECTS, SUBJECTS + "groups_none = ['c']\n", "exempt_subjects.a.groups_none"),
        ("", STEP_UP, "step_up.a"),
        (STEP_UP, STEP_UP.replace("5m", "4m"), "step_up.a.max_age"),
        (STEP_UP, STEP_UP.replace("methods = ['POST']\n", ""), "step_up.a.methods"),
        (STEP_UP, STEP_UP + "phishing_resistant = true\n", "step_up.a.phishing_resistant"),
        (STEP_UP, STEP_UP + "user_verification = true\n", "step_up.a.user_verification"),
        (STEP_UP, STEP_UP + "factors_any = ['totp']\n", "step_up.a.factors_any"),
        (STEP_UP + "groups_any = ['b']\n", STEP_UP, "step_up.a.groups_any"),
        (STEP_UP + "report_only = true\n", STEP_UP, "step_up.a.report_only"),
        (HQ, "[networks]\nhq = ['192.0.2.0/25']\n", "freshness.ip_change.trusted"),
        ("", AGREEMENT, "agreement"),
    ],
)
def test_a_change_has_a_direction(weaker: str, stronger: str, path: str) -> None:
    """Each change is stricter one way and looser the other."""
    assert changes(weaker, stronger) == [("", path, "stricter")]
    assert changes(stronger, weaker) == [("", path, "looser")]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (EXEMPT, EXEMPT.replace("=/a", "=/b"), "exempt.a.paths"),
        (EXEMPT, EXEMPT.replace("GET", "POST"), "exempt.a.methods"),
        (SUBJECTS, SUBJECTS.replace("'b'", "'c'"), "exempt_subjects.a.groups_any"),
        (STEP_UP, STEP_UP.replace("/a/", "/b/"), "step_up.a.paths"),
        ("[enrollment]\nstage = 'admin'\n", "[enrollment]\nstage = 'optional'\n", "enrollment.stage"),
        ("[roles]\nreset = ['a']\n", "[roles]\nreset = ['b']\n", "roles.reset"),
        ("owner = 'a'\n", "owner = 'b'\n", "owner"),
    ],
)
def test_a_replaced_entry_is_looser_and_stricter(old: str, new: str, path: str) -> None:
    """There is no third answer: a replaced entry lets somebody pass, and stops another."""
    assert changes(old, new) == [("", path, "looser"), ("", path, "stricter")]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("", STEP_UP + "report_only = true\n", "step_up.a"),
        (EXEMPT.replace("2027", "2024"), EXEMPT.replace("2027", "2025-01-31 #"), "exempt.a.expires"),
        ("[networks]\nx = ['192.0.2.0/24']\n", "[networks]\nx = ['192.0.2.0/25']\n", "networks.x"),
    ],
)
def test_some_changes_show_on_no_request(old: str, new: str, path: str) -> None:
    """They are told, and are neither looser nor stricter."""
    assert changes(old, new) == [("", path, "no request")]
    assert are_equal(compared(old, new))


def test_a_rule_below_an_exempt_path_still_counts() -> None:
    """A request by a method that no policy can name is not exempt, and falls under the rule."""
    tree = (
        EXEMPT.replace("=/a", "/a/**")
        .replace("methods = ['GET']\n", "")
        .replace("expires = 2027-12-31", "permanent = true")
    )
    (looser,) = loosened(compared(tree + STEP_UP.replace("/a/", "/a/b/"), tree))
    assert looser.path == "step_up.a"
    assert looser.witness is not None
    assert looser.witness.request == "PROPFIND /a/b"


def test_words_and_looks_have_no_direction() -> None:
    """A brand is neither looser nor stricter; the link to help is both, as a contact is."""
    assert changes("[brand]\nname = 'A'\n", "[brand]\nname = 'B'\n") == [("", "brand.name", "neutral")]
    assert {d[2] for d in changes("", "[brand]\nhelp_url = '/help'\n")} == {"looser", "stricter"}


def test_a_new_version_of_the_agreement_asks_everybody() -> None:
    """It is stricter: nobody can have accepted it yet."""
    assert changes(AGREEMENT, AGREEMENT.replace("'1'", "'2'")) == [("", "agreement.version", "stricter")]


def test_the_witness_names_the_request() -> None:
    """It says who asks for what with which proof, and the decision before and now."""
    old = STEP_UP + "groups_any = ['staff']\nfactors_any = ['webauthn']\n"
    (looser,) = loosened(compared(old, ""))
    assert looser.witness is not None
    assert looser.witness.text == "POST /a by staff, passkey 3d old: asked (a) before, passes now"
    assert (looser.witness.request, looser.witness.groups, looser.witness.now) == ("POST /a", ("staff",), "passes")
    (looser,) = loosened(compared("", "[enrollment]\nstage = 'optional'\n"))
    assert looser.witness is not None
    assert "by anybody, nothing set up, set-up skipped" in looser.witness.text


def test_a_rule_under_another_name_is_the_same() -> None:
    """Renamed, split or reordered rules decide as before."""
    two = STEP_UP + STEP_UP.replace("'a'", "'b'").replace("/a/", "/b/")
    one = STEP_UP.replace("'/a/**'", "'/b/**', '/a/**'")
    assert {d.change for d in compared(two, one)} == {"no request"}
    assert {d.change for d in compared(STEP_UP, STEP_UP.replace("'a'", "'z'"))} == {"no request"}


def test_two_changes_can_be_looser_together() -> None:
    """Each of two equal rules can go, and not both."""
    two = STEP_UP + STEP_UP.replace("'a'", "'b'")
    assert loosened(compared(two, STEP_UP)) == ()
    found = loosened(compared(two, ""))
    assert [d.path for d in found] == ["step_up.a", "step_up.b"]


RAIL = "[rails]\n'freshness.max_age' = { min = '1h', max = '7d' }\n'attempts.max' = { only_stricter = true }\n"
TEST = "[[tests]]\nname = 'a'\ngiven = {}\nexpect = { decision = 'enroll' }\n"


@pytest.mark.parametrize(
    ("looser", "stricter", "path"),
    [
        ("", RAIL.splitlines()[0] + "\n" + RAIL.splitlines()[2] + "\n", 'rails."attempts.max".only_stricter'),
        (RAIL.replace("1h", "1m"), RAIL, 'rails."freshness.max_age".min'),
        (RAIL.replace("7d", "8d"), RAIL, 'rails."freshness.max_age".max'),
        (RAIL.replace("min = '1h', ", ""), RAIL, 'rails."freshness.max_age".min'),
        ("", TEST, 'tests."a"'),
        ("[audit]\nretention = '40d'\n", "[audit]\nretention = '41d'\n", "audit.retention"),
        ("[audit]\nretention = '40d'\n", "", "audit.retention"),
        ("", "[recovery]\nhold = '1d'\n", "recovery.hold"),
        ("[recovery]\nself_service = '2d'\n", "[recovery]\nself_service = '3d'\n", "recovery.self_service"),
        ("[recovery]\nself_service = '3d'\n", "", "recovery.self_service"),
        ("", "[sends]\nper_tenant = { count = 100, window = '1d' }\n", "sends.per_tenant.count"),
        ("", "[recovery]\nways = ['backup-code']\n", "recovery.ways"),
        ("", "[roles]\nlook = ['admin']\n", "roles.look"),
    ],
)
def test_what_no_request_shows_has_a_direction(looser: str, stricter: str, path: str) -> None:
    """Rails, tests, retention, holds, limits and rights: less of what protects is looser."""
    assert changes(looser, stricter) == [("", path, "stricter")]
    assert changes(stricter, looser) == [("", path, "looser")]


def _rows(cls: type) -> list[tuple[str, Key]]:
    found: list[tuple[str, Key]] = []
    for spec in specs_of(cls, BUILT_IN):
        if spec.of is not None:
            found += _rows(spec.of)
        elif spec.kind != "networks":
            found.append((f"{cls.__name__}.{spec.name}", key_for(cls, spec.name)))
    return found


def test_every_key_states_its_direction() -> None:
    """A key without one would let a looser policy pass unseen."""
    rows = [*_rows(Rules), *LIMIT_ROWS.items(), *FILE_KEYS.items()]
    tables = {"rails", "tenants", "tests"}
    assert [name for name, row in rows if not row.has_direction and name not in tables] == []
    assert not Key().has_direction


def test_what_is_left_out_counts_as_looser() -> None:
    """Too many groups to try them all are never "no difference"."""
    rules = "".join(
        STEP_UP.replace("'a'", f"'r{n}'", 1)
        + f"groups_any = ['g{n}']\ngroups_none = ['n{n}']\nfactors_any = ['totp']\n"
        for n in range(12)
    )
    found = compared(rules, rules.replace("4m", "5m").replace("'5m'", "'4m'"))
    assert [d.path for d in loosened(found)] == ["(left out)"]
    assert "combinations of groups were compared" in loosened(found)[0].old


def test_the_example_is_compared_within_two_seconds() -> None:
    """A change of it, in CPU time."""
    text = (HERE / "example.toml").read_text()
    old, new = (parse_policy(t, base=HERE) for t in (text, text.replace('max_age     = "7d"', 'max_age     = "8d"')))
    start = time.process_time()
    assert loosened(differences(old, new, now=NOW))
    assert time.process_time() - start < 2


def test_a_wider_trusted_network_is_looser() -> None:
    """More addresses among which a change does not ask."""
    wider = HQ.replace("'192.0.2.0/25'", "'192.0.2.0/25', '198.51.100.0/24'")
    assert changes(HQ, wider) == [("", "networks.hq", "looser")]
    assert changes(wider, HQ) == [("", "networks.hq", "stricter")]


def test_tenants_are_told_apart() -> None:
    """A tenant's own change is told for it; an inherited one is told once."""
    tenant = "[tenants.a]\nattempts.max = 7\n"
    assert changes(tenant, "[attempts]\nmax = 5\n" + tenant) == [("", "attempts.max", "stricter")]
    assert changes(tenant, "") == []
    assert changes("", "[tenants.a]\nfreshness.max_age = '8d'\n") == [("a", "freshness.max_age", "looser")]
    old, new = "[tenants.a]\nenrollment.stage = 'required'\n", "[enrollment]\nstage = 'off'\n"
    assert changes(old, new) == [("", "enrollment.stage", "looser")]


def test_only_what_is_looser_needs_leave() -> None:
    """``loosened`` keeps the looser ones of a mixed change."""
    mixed = compared("", "[attempts]\nmax = 5\n[freshness]\nmax_age = '8d'\n")
    assert [d.path for d in loosened(mixed)] == ["freshness.max_age"]
