"""Keys that are right alone and wrong together."""

from __future__ import annotations

import pytest

from mfa_gate.factors import Registry
from mfa_gate.factors.totp import Totp

from .kinds import faults, policy, told

ALLOW = "[factors]\nallowed = ['totp', 'email']\n"


def step_up(body: str, *, name: str = "r", paths: str = '["/a/**"]') -> str:
    return f'[[step_up]]\nname = "{name}"\npaths = {paths}\n{body}\n'


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[attempts]\nmax = 20\n", ""),
        ("[attempts]\nmax = 21\n", "factors.sms.code"),
        ("[attempts]\nmax = 50\n[factors]\nallowed = ['email']\n", "factors.email.code"),
        ("[attempts]\nmax = 50\n[factors.email]\ncode = { live = 2 }\n[factors]\nallowed = ['email']\n", ""),
        ("[attempts]\nmax = 50\n[factors.email]\ncode = { digits = 7 }\n[factors]\nallowed = ['email']\n", ""),
        ("[attempts]\nmax = 34\n[factors]\nallowed = ['totp']\n", "factors.totp"),
        ("[attempts]\nmax = 33\n[factors]\nallowed = ['totp']\n", ""),
        ("[attempts]\nmax = 50\n[factors]\nallowed = ['totp']\ntotp.drift_steps = 0\n", ""),
        ("[attempts]\nmax = 50\n[factors]\nallowed = ['push', 'webauthn']\n", ""),
        ("[attempts]\nmax = 50\n[factors]\nallowed = ['voice']\n", ""),
        ("[attempts]\nmax = 50\n[factors]\nallowed = ['voice']\nvoice.confirm = 'code'\n", "factors.voice.code"),
    ],
)
def test_a_policy_that_can_be_guessed(text: str, path: str) -> None:
    """S-42: the chance of a right guess before the lock is 1.0e-4 at most.

    It is attempts times codes that are right at once over all codes, for sent codes and TOTP.
    """
    found = {fault.path for fault in faults(text)}
    assert path in found if path else not found


def test_a_tenant_that_can_be_guessed() -> None:
    """S-42 holds for a tenant's own values too, and the fault stands at the tenant's line."""
    (line,) = told("[factors]\nallowed = ['email']\n[tenants.a]\nfactors.email.code.live = 5\nattempts.max = 40\n")
    assert line.startswith("policy.toml:6: tenants.a.factors.email.code: 40 attempts x 5 valid codes / 10^6 = 2.0e-04")


@pytest.mark.parametrize(
    ("text", "starts", "said"),
    [
        ("[factors]\nallowed = ['backup-code']\n", "policy.toml:4: factors.allowed", "stands in for another"),
        (
            "[sends]\ncap_per_day = 5\nprice = { sms = 8, voice = 3 }\n",
            "policy.toml:4: sends.cap_per_day",
            "5 is below the price of one message (sends.price.sms = 8): none would ever be sent; give it 8 or more",
        ),
        ("[sends]\ncap_per_day = 5\n", "policy.toml:4: sends.cap_per_day", "caps nothing while nothing has a price"),
        (
            "[sends]\nprice = { sms = 8 }\n[tenants.a]\nsends.cap_per_day = 7\n",
            "policy.toml:6: tenants.a.sends.cap_per_day",
            "7 is below the price of one message",
        ),
        ("[sends]\nper_tenant = { count = 5 }\n", "policy.toml:4: sends.per_tenant.window", "it is missing"),
        ("[factors]\norder = ['backup-code']\n", "policy.toml:4: factors.order", "never the first offer"),
        (step_up(""), "policy.toml:3: step_up[0]", "demands nothing"),
        (
            "[factors]\nallowed = ['email']\n" + step_up("factors_any = ['totp']"),
            "policy.toml:5: step_up[0]",
            'asks for one of "totp", and only "email" can be used',
        ),
        (
            "[factors]\nallowed = ['email', 'totp']\n" + step_up("phishing_resistant = true"),
            "policy.toml:5: step_up[0]",
            "asks for a phishing-resistant factor",
        ),
        (
            "[factors]\nallowed = ['email', 'totp']\n" + step_up("user_verification = true"),
            "policy.toml:5: step_up[0]",
            "asks for a factor that verifies its user",
        ),
        (
            step_up("phishing_resistant = true\nfactors_any = ['totp']"),
            "policy.toml:3: step_up[0]",
            'phishing-resistant factor among "totp"',
        ),
        (
            step_up("phishing_resistant = true") + "[tenants.a]\nfactors.allowed = ['sms', 'backup-code']\n",
            "policy.toml:8: tenants.a.factors.allowed",
            'step-up "r" asks for a phishing-resistant factor',
        ),
        (
            step_up("factors_any = ['totp']") + step_up("factors_any = ['email']", name="s", paths='["=/a/b"]'),
            "policy.toml:7: step_up[1]",
            'with "r" it covers the same requests',
        ),
        (
            step_up("factors_any = ['totp', 'email']")
            + step_up("factors_any = ['email', 'sms']", name="s", paths='["/a/**"]')
            + step_up(
                "factors_any = ['sms', 'totp']",
                name="t",
                paths='["=/a/b"]',
            ),
            "policy.toml:11: step_up[2]",
            'with "r", "s" it covers the same requests',
        ),
        (
            "[recovery]\nways = ['request']\n" + step_up("factors_any = ['backup-code']"),
            "policy.toml:5: step_up[0]",
            "can be used",
        ),
        (
            step_up("factors_any = ['totp', 'sms']")
            + step_up("factors_any = ['email', 'sms']", name="s")
            + "[tenants.a]\nfactors.allowed = ['totp', 'email']\n",
            "policy.toml:12: tenants.a.factors.allowed",
            'with "r" it covers the same requests',
        ),
        (
            "[enrollment]\noptional_from = 2025-09-01\nrequired_from = 2025-02-01\n",
            "policy.toml:5: enrollment.required_from",
            "lies before optional_from",
        ),
        (
            "[enrollment]\nstage = 'optional'\nrequired_from = 2025-02-01\n",
            "policy.toml:4: enrollment.stage",
            "the dates below decide",
        ),
        (
            "[freshness]\nmax_age = '1h'\nrenew_early = '1h'\n",
            "policy.toml:5: freshness.renew_early",
            "is not less than max_age",
        ),
        (
            "[freshness.ip_change]\ntrusted = ['hq']\n",
            "policy.toml:4: freshness.ip_change.trusted[0]",
            'no network "hq"',
        ),
        ("[networks]\nall = ['0.0.0.0/0']\n", "policy.toml:4: networks.all", 'ip_change.action = "log"'),
        ("[networks]\nHQ = ['192.0.2.0/24']\n", "policy.toml:4: networks.HQ", "a network's name"),
        ("[attempts]\nrolling = { max = 6 }\n", "policy.toml:4: attempts.rolling.max", "is below attempts.max = 7"),
        ("[factors.backup-code]\ncount = 3\n", "policy.toml:3: factors.backup-code.warn_at", "not less than count"),
        (
            step_up("max_age = '5m'") + step_up("max_age = '5m'"),
            "policy.toml:8: step_up[1].name",
            'a second rule is named "r"',
        ),
        (
            "[[exempt]]\nname = 'all'\npaths = ['/**']\nreason = 'x'\npermanent = true\n",
            "policy.toml:5: exempt[0].paths",
            "exempts the whole app",
        ),
        (
            "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\n",
            "policy.toml:3: exempt[0].expires",
            "say permanent = true",
        ),
        (
            "[[exempt]]\nname = 'a'\npaths = ['=/a']\npermanent = true\n",
            "policy.toml:3: exempt[0].reason",
            "say why",
        ),
        (
            "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\npermanent = true\nexpires = 2027-01-01\n",
            "policy.toml:7: exempt[0].permanent",
            "keep one of the two",
        ),
        (
            "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\npermanent = false\n",
            "policy.toml:3: exempt[0].expires",
            "say permanent = true",
        ),
        (
            "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\npermanent = true\ngroups_any = ['b']\n",
            "policy.toml:8: exempt[0].groups_any",
            "unknown key",
        ),
        (
            "[[exempt_subjects]]\nname = 'a'\nreason = 'x'\npermanent = true\n",
            "policy.toml:3: exempt_subjects[0].groups_any",
            "it is missing",
        ),
        ("exempt = 3\n", "policy.toml:3: exempt", "write [[exempt]]"),
        ("tenants = 3\n", "policy.toml:3: tenants", "not a table"),
        (
            "[[tests]]\nname = 'a'\ngiven = { proof_age = '1d' }\nexpect = { decision = 'allow' }\n",
            "policy.toml:5: tests[0].given",
            "a proof needs something enrolled",
        ),
        (
            "[[tests]]\nname = 'a'\ngiven = { enrolled = ['totp'], proof_factor = 'sms' }\nexpect = { decision = 'off' }\n",
            "policy.toml:5: tests[0].given",
            'proof_factor "sms" is not enrolled',
        ),
    ],
)
def test_contradictions_and_dead_ends(text: str, starts: str, said: str) -> None:
    """A contradiction or dead end is one fault, at the line that has to change."""
    (line,) = told(text)
    assert line.startswith(starts + ":"), line
    assert said in line


@pytest.mark.parametrize(
    "text",
    [
        step_up("factors_any = ['totp']") + step_up("factors_any = ['email']", name="s", paths='["/ab/**"]'),
        step_up("factors_any = ['totp']\nmethods = ['GET']")
        + step_up("factors_any = ['email']\nmethods = ['POST']", name="s"),
        step_up("factors_any = ['totp']\ngroups_any = ['a']")
        + step_up("factors_any = ['email']\ngroups_none = ['a']", name="s"),
        step_up("factors_any = ['totp', 'email']") + step_up("factors_any = ['email', 'sms']", name="s"),
        step_up("max_age = '5m'", paths='["/**"]'),
        "[enrollment]\noptional_from = 2025-02-01\nrequired_from = 2025-02-01\n",
        "[enrollment]\nstage = 'optional'\nskip = { max = 3 }\nfirst = 'open'\n",
        "[freshness]\noutage_grace = '15m'\n",
        ALLOW + "[freshness]\ntrust_acr = ['phr']\n" + step_up("phishing_resistant = true"),
    ],
)
def test_what_only_looks_like_one(text: str) -> None:
    """Rules that never meet, or that one factor meets together, are fine."""
    assert told(text) == []


@pytest.mark.parametrize(
    "freshness",
    ["trust_acr = ['gold']", "trust_acr = ['phr']\nphishing_resistant_acr = []", "trust_amr = ['mfa']"],
)
def test_a_sign_in_that_does_not_resist_phishing(freshness: str) -> None:
    """A trusted sign-in meets the rule only by a class that the policy names for it."""
    found = faults(f"{ALLOW}[freshness]\n{freshness}\n" + step_up("phishing_resistant = true"))
    assert [fault.path for fault in found] == ["step_up[0]"]


@pytest.mark.parametrize(
    ("asks", "more"),
    [
        ("phishing_resistant = true", []),
        ("factors_any = ['webauthn']", ["step_up[0].factors_any[0]"]),
        ("factors_any = ['webauthn', 'totp']", ["step_up[0].factors_any[0]"]),
        ("user_verification = true", []),
    ],
)
def test_a_factor_that_the_gate_does_not_know_is_no_dead_end(asks: str, more: list[str]) -> None:
    """A kind that is not among the gate's factors is a fault where it stands.

    It is no dead end besides; without it, the rule is one.
    """
    from mfa_gate.policyfile import examine

    from .kinds import HEAD, HERE

    few = Registry([Totp()])
    text = HEAD + "[factors]\nallowed = ['totp', 'webauthn']\n" + step_up(asks)
    assert [fault.path for fault in examine(text, base=HERE, factors=few).faults] == ["factors.allowed[1]", *more]
    text = text.replace("['totp', 'webauthn']\n", "['totp']\n", 1)
    faults = [fault.path for fault in examine(text, base=HERE, factors=few).faults]
    assert faults == (more or ["step_up[0]"])


def test_the_file_alone_says_what_is_exempt() -> None:
    """An exemption by path holds for the methods it names, and for all where it names none."""
    made = policy("[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\npermanent = true\n")
    assert "DELETE" in made.base.exempt[0].methods
