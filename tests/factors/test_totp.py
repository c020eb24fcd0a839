"""Authenticator apps: RFC 6238 and an independent generator agree; each step counts once."""

from __future__ import annotations

import subprocess
from base64 import b32encode
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfa_gate.core.entropy import expand
from mfa_gate.core.model import Contacts, Fields, Seconds, SubjectKey
from mfa_gate.core.names_in_addresses import MAX_ISSUER
from mfa_gate.core.rules import BrandRules, Rules
from mfa_gate.factors.base import Accepted, Draft, Rejected
from mfa_gate.factors.totp import APP_NAMES, FAR_STEPS, Totp, TotpRules
from mfa_gate.keyring import Unopened
from mfa_gate.web.qr_code import draw

from .builders import BOB, ELSEWHERE, HOSTILE, NOW, context, rules

TOTP = Totp()
STEP = NOW // 30
SECRET = b32encode(expand(b"seed", "secret", 20)).decode()


def oathtool(secret: str, *, at: int, digits: int = 6, period: int = 30) -> str:
    """The code by an independent generator, for the second ``at``."""
    words = ("--totp=sha1", "-b", secret, f"--digits={digits}", f"--time-step-size={period}s", f"--now=@{at}")
    return subprocess.run(["oathtool", *words], capture_output=True, text=True, check=True).stdout.strip()


def data(secret: str = SECRET, *, step: int = 0, digits: int = 6, period: int = 30) -> Fields:
    return {"secret": context().seal("totp", secret), "digits": digits, "period": period, "step": step}


def code_at(step: int) -> str:
    import pyotp

    return pyotp.HOTP(SECRET).at(step)


def verify(response: object, fields: Fields | None = None, **parts: Any) -> Accepted | Rejected:
    return TOTP.verify(context(**parts), data=fields or data(), challenges=(), response=response)


RFC_SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238(at: int, code: str) -> None:
    """Each code of RFC 6238 appendix B is right at its second and gives its step.

    The vectors are those of SHA-1 with eight digits.
    """
    fields = data(RFC_SECRET, digits=8)
    assert verify(code, fields, now=at) == Accepted(data={**fields, "step": at // 30})
    assert verify(code, fields, now=at + 30 * (FAR_STEPS + 1)) == Rejected(reason="wrong_code")
    assert oathtool(RFC_SECRET, at=at, digits=8) == code


@settings(max_examples=12, deadline=None)
@given(
    st.binary(min_size=20, max_size=20), st.integers(0, 2**33), st.sampled_from([6, 7, 8]), st.sampled_from([30, 60])
)
def test_an_independent_generator_agrees(raw: bytes, at: int, digits: int, period: int) -> None:
    """oathtool's code for any secret and second is accepted, leading zeros included."""
    secret = b32encode(raw).decode()
    fields = data(secret, digits=digits, period=period, step=-1)
    outcome = verify(oathtool(secret, at=at, digits=digits, period=period), fields, now=at)
    assert outcome == Accepted(data={**fields, "step": at // period})


@pytest.mark.parametrize(
    ("drift", "off", "accepted"),
    [
        (1, -2, False),
        (1, -1, True),
        (1, 0, True),
        (1, 1, True),
        (1, 2, False),
        (0, -1, False),
        (0, 0, True),
        (0, 1, False),
    ],
)
def test_drift(drift: int, off: int, accepted: bool) -> None:
    """S-62: at most one step on each side, as the policy says; the time is the server's."""
    outcome = verify(code_at(STEP + off), rules=rules(totp=TotpRules(drift_steps=drift)))
    assert isinstance(outcome, Accepted) is accepted
    if isinstance(outcome, Accepted):
        assert outcome.data["step"] == STEP + off


@pytest.mark.parametrize("last", [STEP - 1, STEP, STEP + 1, STEP + 1000])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_step_counts_once(last: int, off: int) -> None:
    """A step is accepted only if it is greater than the last accepted one.

    S-59. A replay costs nothing. A last step that is ahead of the clock comes from a clock that was wrong.
    The outcome says so and is an alarm.
    """
    outcome = verify(code_at(STEP + off), data(step=last))
    if STEP + off > last:
        assert isinstance(outcome, Accepted)
    elif last > STEP + 1:
        assert outcome == Rejected(reason="clock_ahead", free=True, alarm="clock_ahead")
    else:
        assert outcome == Rejected(reason="code_already_used", free=True)


@pytest.mark.parametrize("behind", [FAR_STEPS + 1, 2880])
def test_a_clock_far_behind_charges_nobody(behind: int) -> None:
    """A server whose clock is far behind judges no code, right or wrong.

    D-41, F-14. It cannot tell a right code from a wrong one, so it gives all of them one answer, which costs nothing.
    """
    used = data(step=STEP)
    for code in (code_at(STEP), code_at(STEP + 1), code_at(STEP - behind), "000000"):
        outcome = verify(code, used, now=NOW - 30 * behind)
        assert outcome == Rejected(reason="clock_ahead", free=True, alarm="clock_ahead"), code


def test_a_later_code_ends_the_earlier_ones() -> None:
    """The current code is used up after the next step's code, though it never was entered.

    S-59.
    """
    after = verify(code_at(STEP + 1))
    assert isinstance(after, Accepted)
    assert verify(code_at(STEP), after.data) == Rejected(reason="code_already_used", free=True)


def spelled(code: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in code)


@pytest.mark.parametrize("zero", ["0", "０", "٠", "۰", "०", "\U0001d7ce"])
def test_the_replay_key_is_the_step(zero: str) -> None:
    """A code in the digits of another script is the same code, and is used after the first.

    S-60, D-30.
    """
    read = TOTP.read(spelled(code_at(STEP), zero), rules())
    assert read == code_at(STEP)
    first = verify(read)
    assert isinstance(first, Accepted)
    assert verify(read, first.data) == Rejected(reason="code_already_used", free=True)


@pytest.mark.parametrize("response", HOSTILE, ids=lambda r: repr(r)[:20])
def test_what_is_no_code_is_malformed(response: object) -> None:
    """An entry of another shape never reaches the comparison.

    S-38, S-60, S-61. If one did, it would neither raise an error nor match.
    """
    read = TOTP.read(response, rules())
    if read is not None:
        assert read == "1234567"
    assert isinstance(verify(response), Rejected)
    assert isinstance(verify(str(response)[:100]), Rejected)


def test_a_change_of_digits_shuts_nobody_out() -> None:
    """An app with six digits keeps working after the policy says eight.

    A code of the wrong length costs nothing.
    """
    eight = rules(totp=TotpRules(digits=8))
    read = TOTP.read(code_at(STEP), eight)
    assert isinstance(verify(read, rules=eight), Accepted)
    assert verify(TOTP.read("12345678", eight), rules=eight) == Rejected(reason="malformed", free=True)


@pytest.mark.parametrize("off", [-FAR_STEPS, -2, 2, FAR_STEPS])
@pytest.mark.parametrize("purpose", ["enroll", "sign-in"])
def test_a_wrong_clock_is_told(off: int, purpose: str) -> None:
    """A code that is a few minutes off is refused, and the answer says the direction.

    S-62, U-30, D-42. It costs nothing.
    """
    outcome = verify(code_at(STEP + off), purpose=purpose)
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.free, outcome.drift) == ("clock_drift", True, 30 * off)
    assert ("ahead of" if off > 0 else "behind") in outcome.detail


def test_a_code_that_was_told_to_be_early_is_not_taken_later() -> None:
    """A code that was recognized before its time never counts.

    D-42. So a guesser learns nothing that helps.
    """
    early = verify(code_at(STEP + 3))
    assert isinstance(early, Rejected)
    later = verify(code_at(STEP + 3), now=NOW + 90, recognized=frozenset({early.mark}))
    assert later == Rejected(reason="code_already_used", free=True)
    assert isinstance(verify(code_at(STEP + 3), now=NOW + 90), Accepted)


def test_a_used_code_of_a_while_ago_is_no_drift() -> None:
    """S-59: a replay after some minutes is a replay, and says nothing of clocks."""
    assert verify(code_at(STEP - 5), data(step=STEP - 5)) == Rejected(reason="code_already_used", free=True)


def test_a_new_app_waits_for_the_next_code_after_a_copy_was_accepted() -> None:
    """No code counts in the step in which a copy was accepted.

    The code of a new app is right all the same, so it costs nothing.
    """
    code = code_at(STEP)
    assert verify(code, purpose="enroll", used_until=NOW) == Rejected(reason="code_too_early", free=True)
    assert isinstance(verify(code_at(STEP + 1), purpose="enroll", used_until=NOW, now=NOW + 30), Accepted)


def test_an_accepted_copy_sets_a_step_that_is_ahead_back() -> None:
    """The operator's acceptance sets back a step that a wrong clock has left.

    D-64. The codes that were used before the acceptance stay used.
    """
    ahead = data(step=STEP + 120)
    assert verify(code_at(STEP), ahead).reason == "clock_ahead"  # type: ignore[union-attr]
    assert isinstance(verify(code_at(STEP), ahead, used_until=NOW - 60), Accepted)
    assert isinstance(verify(code_at(STEP), ahead, used_until=NOW), Rejected)


def test_a_wrong_code_at_enrollment() -> None:
    """A code of no near step is wrong, also at enrollment and at the beginning of time."""
    assert verify(code_at(STEP + FAR_STEPS + 1), purpose="enroll") == Rejected(reason="wrong_code")
    assert isinstance(verify("000000", now=0, purpose="enroll"), Rejected)


def test_the_secret_is_made_here() -> None:
    """A secret has 160 bits of fresh entropy and is sealed for its person.

    S-63, S-64. Another person or tenant cannot read it.
    """
    draft = TOTP.draft(context())
    assert isinstance(draft, Draft)
    shown = TOTP.show(context(), draft.data)
    assert len(shown["secret"]) == 32
    assert shown["secret"] not in repr(draft)
    other = TOTP.draft(context("another"))
    assert isinstance(other, Draft)
    assert TOTP.show(context("another"), other.data)["secret"] != shown["secret"]
    for key in (BOB, ELSEWHERE):
        with pytest.raises(Unopened):
            TOTP.show(context(key=key), draft.data)
        with pytest.raises(Unopened):
            verify("123456", draft.data, key=key)


@pytest.mark.parametrize(
    ("service", "email", "issuer", "account"),
    [
        ("Clinic", "ann@clinic.example", "Clinic", "ann@clinic.example"),
        ("A: B", "a:b@c.example", "A  B", "a b@c.example"),
        ("", "", "clinic", "ann"),
        ("Café & Söhne?", "ü@b.example", "Café & Söhne?", "ü@b.example"),
    ],
)
def test_the_address_for_the_app(service: str, email: str, issuer: str, account: str) -> None:
    """The otpauth address names issuer and account, so that no name adds a field of its own."""
    within = context(service=service, contacts=Contacts(email=email))
    draft = TOTP.draft(within)
    assert isinstance(draft, Draft)
    shown = TOTP.show(within, draft.data)
    address = urlsplit(shown["uri"])
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert unquote(address.path) == f"/{issuer}:{account}"
    asked = parse_qs(address.query)
    assert (asked["secret"], asked["issuer"]) == ([shown["secret"]], [issuer])


def test_the_address_carries_digits_and_period() -> None:
    """The address names the policy's digits and period, and a code of that kind counts."""
    within = context(rules=rules(totp=TotpRules(digits=8, period=Seconds(60))))
    draft = TOTP.draft(within)
    assert isinstance(draft, Draft)
    shown = TOTP.show(within, draft.data)
    assert {"digits=8", "period=60"} <= set(urlsplit(shown["uri"]).query.split("&"))
    code = oathtool(shown["secret"], at=NOW, digits=8, period=60)
    outcome = TOTP.verify(within, data=draft.data, challenges=(), response=TOTP.read(code, within.rules))
    assert isinstance(outcome, Accepted)


def test_nothing_is_sent() -> None:
    """An app needs no challenge: nothing is issued, hinted or limited."""
    assert TOTP.issue(context(), data()) is None
    assert TOTP.limits(rules()) is None
    assert TOTP.hint(context(), data()) == ""
    assert not TOTP.traits.needs_challenge


def test_the_subject_is_the_label_without_an_address() -> None:
    """Without an e-mail address on file the app shows the subject's id."""
    within = context(contacts=Contacts(), key=SubjectKey("clinic", "7:1"))
    draft = TOTP.draft(within)
    assert isinstance(draft, Draft)
    assert TOTP.show(within, draft.data)["account"] == "7 1"


@pytest.mark.parametrize(
    ("service", "issuer"),
    [
        (
            "The Saint Bartholomew Regional Center for Outpatient Rehabilitation",
            "The Saint Bartholomew Regional Center for",
        ),
        ("N" * 110, "N" * 54),
        ("临床康复与心理健康服务中心", "临床康复与心"),
        ("Harbor", "Harbor"),
    ],
)
def test_a_long_name_leaves_the_picture_easy_to_scan(service: str, issuer: str) -> None:
    """The names in the address are cut, so that the QR code has at most 61 modules a side."""
    within = context(service=service, contacts=Contacts(email=f"{'a' * 120}@clinic.example"))
    draft = TOTP.draft(within)
    assert isinstance(draft, Draft)
    shown = TOTP.show(within, draft.data)
    assert shown["issuer"] == issuer
    assert draw(shown["uri"]).size - 8 <= 61


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_an_app_that_is_brought_along(algorithm: str) -> None:
    """Its secret, its last step and its algorithm are taken over.

    No other secret is its own.
    """
    here, secret = context(), b"12345678901234567890"
    made = Totp().adopt(here, secret=secret, digits=8, period=60, step=7, algorithm=algorithm)
    assert {name: made.data[name] for name in ("digits", "period", "step")} == {"digits": 8, "period": 60, "step": 7}
    assert made.data.get("algorithm", "sha1") == algorithm
    assert ("algorithm" in made.data) is (algorithm != "sha1")
    assert Totp().secret_of(here, made.data) == secret
    assert Totp().has_secret(here, made.data, secret=secret)
    assert not Totp().has_secret(here, made.data, secret=secret[:-1])
    assert made.label == "Authenticator app"


@pytest.mark.parametrize(
    ("apps", "good"),
    [
        ([], True),
        (["Authy", "1Password"], True),
        (["x" * 60], True),
        (["x" * 61], False),
        ([" "], False),
        ([""], False),
        (["a\nb"], False),
        (["Authy", "Authy"], False),
    ],
)
def test_the_names_of_apps(apps: list[str], good: bool) -> None:
    """Names that a page can show, each once."""
    assert APP_NAMES.holds(apps) is good


def test_the_apps_that_the_page_names() -> None:
    """Those of the policy."""
    assert Totp().introduction(rules(totp=TotpRules(apps=("Mine",))), Contacts()).apps == ("Mine",)


@pytest.mark.parametrize(
    ("section", "brand", "keys"),
    [
        (TotpRules(), "Clinic", []),
        (TotpRules(digits=8), "Clinic", ["digits"]),
        (TotpRules(period=Seconds(60)), "Clinic", ["period"]),
        (TotpRules(digits=7, period=Seconds(60)), "x" * 99, ["digits", "period", "name"]),
    ],
)
def test_options_that_common_apps_leave_aside(section: TotpRules, brand: str, keys: list[str]) -> None:
    """The owner of the policy reads it before the first person is shut out."""
    own = replace(rules(totp=section), brand=BrandRules(name=brand))
    traps = Totp().option_traps(own)
    assert [trap.key[-1] for trap in traps] == keys
    assert all(trap.text and trap.fix for trap in traps) or not keys


@pytest.mark.parametrize(
    ("ahead", "reason"), [(FAR_STEPS, "clock_ahead"), (2, "clock_ahead"), (1, "code_already_used")]
)
def test_a_right_code_while_our_clock_is_behind(ahead: int, reason: str) -> None:
    """D-41: it is our fault, is told as such, and costs nothing.

    One step ahead is within the drift.
    """
    step = NOW // 30
    found = verify(code_at(step), data(step=step + ahead))
    assert isinstance(found, Rejected)
    assert (found.reason, found.free) == (reason, True)
    assert bool(found.alarm) is (reason == "clock_ahead")


def test_a_draft_has_no_step_yet() -> None:
    """The first code of a new app counts, whatever its time."""
    made = Totp().draft(context())
    assert isinstance(made, Draft)
    assert made.data["step"] == 0


@pytest.mark.parametrize("size", [10, 16, 20, 32])
def test_a_secret_of_any_length_comes_back(size: int) -> None:
    """An app that is brought along may have another length than ours."""
    mine = context()
    made = Totp().adopt(mine, secret=bytes(range(size)), digits=6, period=30)
    assert Totp().secret_of(mine, made.data) == bytes(range(size))
    assert Totp().has_secret(mine, made.data, secret=bytes(range(size)))
    assert not Totp().has_secret(mine, made.data, secret=bytes(size))


@pytest.mark.parametrize(("ahead", "reason"), [(FAR_STEPS, "wrong_code"), (FAR_STEPS + 1, "clock_ahead")])
def test_a_wrong_code_while_our_clock_is_behind(ahead: int, reason: str) -> None:
    """D-41: it counts as long as a right one could be told from it."""
    step = NOW // 30
    wrong = str((int(code_at(step)) + 1) % 10**6).zfill(6)
    found = verify(wrong, data(step=step + ahead))
    assert isinstance(found, Rejected)
    assert found.reason == reason


@pytest.mark.parametrize(("off", "words"), [(3, "90 seconds ahead of ours"), (-3, "90 seconds behind ours")])
def test_the_words_about_a_clock(off: int, words: str) -> None:
    """The person hears which way it is off, and by how much."""
    found = verify(code_at(NOW // 30 + off))
    assert isinstance(found, Rejected)
    assert words in found.detail
    assert found.drift == off * 30


@pytest.mark.parametrize(("more", "traps"), [(0, 0), (1, 1)])
def test_a_brand_of_exactly_the_longest_issuer(more: int, traps: int) -> None:
    """It fits, and one letter more does not."""
    own = replace(Rules(), brand=BrandRules(name="x" * (MAX_ISSUER + more)))
    assert len(Totp().option_traps(own)) == traps


def test_a_first_code_that_was_used_already() -> None:
    """At a set-up, the code of the last accepted step was used.

    A later one that is void comes too early.
    """
    step = NOW // 30
    found = verify(code_at(step), data(step=step), purpose="enroll")
    assert isinstance(found, Rejected)
    assert found.reason == "code_already_used"
