"""The telephone numbers that are accepted, told apart by the number itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfa_gate.core.model import Contacts
from mfa_gate.core.rules import Rules
from mfa_gate.factors.base import Draft, Rejected
from mfa_gate.factors.phone import REGIONS as REGIONS_KEY
from mfa_gate.factors.phone import TYPES as PHONE_TYPES
from mfa_gate.factors.phone import PhoneRules, is_fictional, read_phone, region_faults, region_names, written
from mfa_gate.factors.region_names import region_name, told_regions
from mfa_gate.factors.regions import REGIONS
from mfa_gate.factors.sms import Sms

from .builders import context, rules
from .countries import LANGUAGES

US = PhoneRules(regions=("US",))
ANY = PhoneRules()
DE = PhoneRules(regions=("DE", "US"))

TABLE: list[tuple[str, PhoneRules, str]] = [
    ("+1 212 736 5000", US, "+12127365000"),
    ("(212) 736-5000", US, "+12127365000"),
    ("212.736.5000", US, "+12127365000"),
    ("1 212 736 5000", US, "+12127365000"),
    ("tel:+1-212-736-5000", US, "+12127365000"),
    ("٢١٢٧٣٦٥٠٠٠", US, "+12127365000"),
    ("+1 202-555-0100", US, "+12025550100"),
    ("202-555-0142", US, "+12025550142"),
    ("+1 202 555 0199", US, "+12025550199"),
    ("+1 416 234 5678", US, "phone_region"),
    ("+1 416 555 0100", US, "phone_region"),
    ("+1 876 555 0100", US, "phone_region"),
    ("+1 809 555 1234", US, "phone_region"),
    ("+1 787 234 5678", US, "+17872345678"),
    ("+1 671 300 1234", US, "+16713001234"),
    ("+1 787 234 5678", DE, "+17872345678"),
    ("+1 787 234 5678", PhoneRules(regions=("DE",)), "phone_region"),
    ("+1 416 234 5678", PhoneRules(regions=("PR",)), "phone_region"),
    ("+44 7012 345678", ANY, "phone_type"),
    ("+44 7012 345678", PhoneRules(refuse_types=("pager",)), "+447012345678"),
    ("+878 10 5678 1234 56", ANY, "phone_type"),
    ("0049 151 23456789", ANY, "+4915123456789"),
    ("00 49 (151) 23456789", US, "phone_region"),
    ("0049 1512 3456789", DE, "+4915123456789"),
    ("0011 44 7400 123456", PhoneRules(regions=("AU", "GB")), "+447400123456"),
    ("+1 861 234 5678", US, "phone_invalid"),
    ("+44 20 7946 0958", US, "phone_region"),
    ("+49 1512 3456789", US, "phone_region"),
    ("+1 416 234 5678", ANY, "+14162345678"),
    ("+49 1512 3456789", ANY, "+4915123456789"),
    ("01512 3456789", DE, "+4915123456789"),
    ("+1 800 555 0100", US, "phone_type"),
    ("+1 888 555 1234", ANY, "phone_type"),
    ("+1 900 555 0100", US, "phone_type"),
    ("+44 909 879 0000", ANY, "phone_type"),
    ("+1 800 555 0100", PhoneRules(regions=("US",), refuse_types=()), "+18005550100"),
    ("+1 212 736 5000", PhoneRules(refuse_types=("fixed-line-or-mobile",)), "phone_type"),
    ("+1 500 234 5678", PhoneRules(refuse_types=("personal-number",)), "phone_type"),
    ("(907) 555-0171 ext 101", US, "phone_extension"),
    ("+1 212 736 5000;ext=7", ANY, "phone_extension"),
    ("+49 30 1234567 x12", DE, "phone_extension"),
    ("+882 13 300 5500", ANY, "phone_type"),
    ("+870 773 111 632", ANY, "phone_type"),
    ("", US, "phone_invalid"),
    ("   ", US, "phone_invalid"),
    ("911", US, "phone_invalid"),
    ("+", US, "phone_invalid"),
    ("+1", US, "phone_invalid"),
    ("112", DE, "phone_invalid"),
    ("+49 110", ANY, "phone_invalid"),
    ("736 5000", US, "phone_invalid"),
    ("not a number", US, "phone_invalid"),
    ("212 736 500", US, "phone_invalid"),
    ("+1 212 736 50000", US, "phone_invalid"),
    ("+999 123456789", US, "phone_invalid"),
    ("ann@clinic.example", US, "phone_invalid"),
    ("\x00\x01", US, "phone_invalid"),
    ("\ud800", US, "phone_invalid"),
    ("1" * 41, US, "phone_invalid"),
    ("1" * 1_000_000, US, "phone_invalid"),
]


@pytest.mark.parametrize(("text", "accepted", "found"), TABLE, ids=[f"{row[0][:24]!a}-{row[2]}" for row in TABLE])
def test_numbers(text: str, accepted: PhoneRules, found: str) -> None:
    """A number is accepted by its own region, and refused classes are named.

    S-129, mission 3. The region is not the prefix: Canada and the Caribbean share +1.
    """
    outcome = read_phone(text, accepted)
    assert (outcome.reason if isinstance(outcome, Rejected) else outcome) == found
    assert not isinstance(outcome, Rejected) or outcome.free


def test_a_refusal_says_what_is_accepted() -> None:
    """The text of a refusal can name the accepted countries, or the kind of number."""
    region = read_phone("+44 20 7946 0958", DE)
    assert isinstance(region, Rejected)
    assert region.detail == "GB DE US"
    assert told_regions(region.detail) == ("United Kingdom", "Germany, United States")
    assert told_regions(region.detail, "de") == ("Vereinigtes Königreich", "Deutschland, Vereinigte Staaten")
    kind = read_phone("+1 800 555 0100", US)
    assert isinstance(kind, Rejected)
    assert kind.detail == "toll-free"


def test_every_class_that_a_policy_can_refuse_is_told_by_that_word() -> None:
    """A policy's word for a class of numbers is the word that numbers are told apart by."""
    import phonenumbers

    from mfa_gate.factors.phone import _TYPES

    known = {kind: word for word, kind in vars(phonenumbers.PhoneNumberType).items() if isinstance(kind, int)}
    told = {_TYPES.get(kind, "unknown"): word for kind, word in known.items()}
    assert set(told) == set(PHONE_TYPES)
    assert {word.replace("_", "-").lower() for word in told.values()} == set(told)


@pytest.mark.parametrize(
    ("region", "found"), [("", "+4915123456789"), ("DE", "+4915123456789"), ("US", ""), ("XX", "+4915123456789")]
)
def test_the_chosen_region_reads_a_local_number(region: str, found: str) -> None:
    """A number without a country code belongs to the chosen region.

    The chosen region must be an accepted one.
    """
    outcome = read_phone("01512 3456789", DE, region=region)
    assert (outcome if isinstance(outcome, str) else "") == found


@pytest.mark.parametrize(
    ("number", "fictional"),
    [("+12025550100", True), ("+12025550199", True), ("+12025550200", False), ("+12025551234", False),
     ("+442025550100", False)],
)  # fmt: skip
def test_numbers_for_examples(number: str, fictional: bool) -> None:
    """555-0100 to 555-0199 are set aside for examples, whatever the tables say of them."""
    assert is_fictional(number) is fictional


def test_examples_count_as_american_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """An example number is accepted by a table that knows no region for it.

    A real number without a region is refused.
    """
    import phonenumbers

    monkeypatch.setattr(phonenumbers, "region_code_for_number", lambda number: None)
    assert read_phone("202-555-0100", US) == "+12025550100"
    assert read_phone("212-736-5000", US) == Rejected(reason="phone_invalid", free=True, detail="unknown-area")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text("+0123456789 ()-", max_size=20))
def test_no_text_raises(text: str) -> None:
    """S-38: whatever is typed is a number of an accepted region or refused."""
    outcome = read_phone(text, US)
    assert isinstance(outcome, Rejected) or outcome.startswith("+1")


@pytest.mark.parametrize(
    ("phone", "typed", "on_file", "found"),
    [
        ("typed", "202-555-0142", "+12025550100", "+12025550142"),
        ("typed", "", "+12025550100", "phone_invalid"),
        ("on-file", "202-555-0142", "+12025550100", "+12025550100"),
        ("on-file", "202-555-0142", "", "no_contact"),
        ("on-file", "", "+44 20 7946 0958", "phone_region"),
    ],
)
def test_typed_or_on_file(phone: Any, typed: str, on_file: str, found: str) -> None:
    """A typed number is not even read if the policy says "on file".

    S-51.
    """
    own = Rules(factors=rules(sms=PhoneRules(phone=phone, regions=("US",))).factors)
    within = context(rules=own, contacts=Contacts(phone=on_file))
    draft = Sms().draft(within, phone=typed)
    if isinstance(draft, Draft):
        assert Sms().show(within, draft.data)["phone"] == found
    else:
        assert draft.reason == found


def test_regions_have_names() -> None:
    """Accepted regions are shown by name, and an unlisted region by its code.

    No region is shown if every region is accepted.
    """
    assert region_names(("US", "ZZ")) == (("US", "United States"), ("ZZ", "ZZ"))
    assert region_names(None) == ()


@pytest.mark.parametrize(
    ("text", "accepted", "detail"),
    [
        ("0151 12345678", US, "country-code"),
        ("nein", DE, "+49 1512 3456789"),
        ("not a number", US, "+1 201-555-0123"),
        ("212 736 500", ANY, "+1 201-555-0123"),
        ("+1 861 234 5678", US, "unknown-area"),
        ("+44 7012 345678", ANY, "personal-number"),
        ("+1 416 234 5678", US, "CA US"),
    ],
)
def test_a_refused_number_says_what_to_write(text: str, accepted: PhoneRules, detail: str) -> None:
    """The detail chooses the sentence: an example, the country code, or a country."""
    outcome = read_phone(text, accepted)
    assert isinstance(outcome, Rejected)
    assert outcome.detail == detail


@pytest.mark.parametrize("tag", LANGUAGES)
def test_each_region_has_a_name_in_each_language(tag: str) -> None:
    """No country stays English, or a code, on a page in another language."""
    assert all(region_name(code, tag) != code for code in REGIONS)
    assert tag == "en" or region_name("DE", tag) != "Germany"
    assert region_name("DE", "xx") == "Germany"


def test_a_text_that_is_no_number_is_written_as_it_is() -> None:
    """A number on file that cannot be read is shown as the host has it."""
    assert written("+1 212 736 5000".replace(" ", "")) != "+12127365000"
    assert written("extension seven") == "extension seven"


@pytest.mark.parametrize("text", ["00 1 2345", "0 0 12", "0011"])
def test_two_zeros_before_no_number(text: str) -> None:
    """Neither at home nor abroad it is a number, and the person hears what to write."""
    refused = read_phone(text, US)
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.free) == ("phone_invalid", True)


@pytest.mark.parametrize(
    ("regions", "good"),
    [(["US"], True), (["US", "CA"], True), ([], False), (["US", "US"], False), (["us"], False), (["USA"], False)],
)
def test_the_form_of_regions(regions: list[str], good: bool) -> None:
    """Two capital letters, each once, and at least one."""
    assert REGIONS_KEY.holds(regions) is good


@pytest.mark.parametrize(
    ("region", "says"),
    [("US", ""), ("UK", 'write "GB"'), ("XX", "write its two letters"), ("EN", 'write "GB"')],
)
def test_regions_that_do_not_exist(region: str, says: str) -> None:
    """The owner of the policy reads what was meant; a region that exists is no fault."""
    faults = region_faults(PhoneRules(regions=(region,)))
    assert bool(faults) is bool(says)
    assert says in "".join(fault.text for fault in faults)
    assert region_faults(PhoneRules()) == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [("+1 202 555 0100" + " " * 25, "+12025550100"), ("+1 202 555 0100" + " " * 26, None), ("", None)],
)
def test_the_longest_text_that_is_read(text: str, number: str | None) -> None:
    """Forty characters, blanks included."""
    found = read_phone(text, US)
    assert (None if isinstance(found, Rejected) else found) == number
    assert number or found == Rejected(reason="phone_invalid", free=True)


@pytest.mark.parametrize(
    ("e164", "shown"),
    [("+12025550100", "(202) 555-0100"), ("+493012345678", "+49 30 12345678"), ("no number", "no number")],
)
def test_a_number_as_people_write_it(e164: str, shown: str) -> None:
    """A number with +1 as at home, others with their country code."""
    assert written(e164) == shown


@pytest.mark.parametrize(("phone", "typed"), [("typed", "(202) 555-0100"), ("on-file", "")])
def test_a_typed_number_is_shown_whole_until_it_is_proven(phone: Any, typed: str) -> None:
    """A slip is seen at once; the number of the record was not typed."""
    mine = context(rules=rules(sms=PhoneRules(phone=phone)))
    draft = Sms().draft(mine, phone="+12025550100")
    assert isinstance(draft, Draft)
    assert Sms().show(mine, draft.data)["typed"] == typed


@pytest.mark.parametrize(
    ("text", "region", "detail"),
    [("0", "US", "country-code"), ("1", "US", "+1 201-555-0123"), ("1", "DE", "+49 1512 3456789")],
)
def test_what_to_write_instead(text: str, region: str, detail: str) -> None:
    """The example is one of the region that was chosen, and the refusal costs no attempt."""
    refused = read_phone(text, PhoneRules(regions=("US", "DE")), region=region)
    assert refused == Rejected(reason="phone_invalid", free=True, detail=detail)
