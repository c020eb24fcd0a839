"""Telephone numbers: the accepted ones, told apart by the number itself.

A number is refused by its class, never by "invalid" alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..core.model import Contacts, Fields
from ..core.options import PLAIN, Key, is_distinct, option, some_of, text, words
from ..core.rules import CodeRules, ResendRules
from .base import Context, Draft, Rejected
from .optional_parts import Introduction, OptionFault
from .regions import MEANT
from .regions import REGIONS as NUMBERED

MAX_PHONE = 40
NO_COUNTRY = "001"
"""The region of numbers of satellites and other networks without a country, whose calls are costly (S-129)."""
_TYPES = {
    0: "fixed-line",
    1: "mobile",
    2: "fixed-line-or-mobile",
    3: "toll-free",
    4: "premium-rate",
    5: "shared-cost",
    6: "voip",
    7: "personal-number",
    8: "pager",
    9: "uan",
    10: "voicemail",
}


def _are_regions(regions: Sequence[str]) -> bool:
    return is_distinct(regions) and len(regions) > 0 and all(re.fullmatch("[A-Z]{2}", region) for region in regions)


REFUSED = ("premium-rate", "toll-free", "shared-cost", "pager")
TYPES = (
    *REFUSED,
    *("fixed-line", "fixed-line-or-mobile", "mobile", "personal-number", "uan", "unknown", "voicemail", "voip"),
)
REGIONS = Key(
    says='it must be a non-empty array of regions in two capital letters, like "US", each once',
    holds=_are_regions,
    stricter="fewer",
)
CONSENT = "Message and data rates may apply. Reply STOP to opt out."


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRules:
    """Options of ``[factors.sms]``. ``regions`` are the numbers' own (ISO 3166), None for any."""

    code: CodeRules = option(CodeRules(), PLAIN, "The code that is sent.")
    resend: ResendRules = option(ResendRules(), PLAIN, "How often a code may be sent to one person.")
    phone: Literal["typed", "on-file"] = option(
        "typed", words("typed", "on-file"), '"typed": people enter their number; "on-file": the host\'s record has it.'
    )
    regions: tuple[str, ...] | None = option(
        None, REGIONS, "Regions (ISO 3166) that a number itself may belong to, whatever its country code; absent: any."
    )
    refuse_types: tuple[str, ...] = option(
        REFUSED, some_of(TYPES, empty=True, stricter="more"), "Types of numbers that are refused."
    )
    consent_text: str = option(
        CONSENT, text(300, empty=True), "The sentence about costs beside the field for the number.", stricter="none"
    )

    @property
    def is_on_file(self) -> bool:
        """Tell if the number is the host's."""
        return self.phone == "on-file"


def region_faults(rules: PhoneRules) -> tuple[OptionFault, ...]:
    """Refuse regions that have no telephone numbers: nobody could use the factor with them."""
    return tuple(
        OptionFault(
            key=("regions",),
            text=f'"{region}" is no region that has telephone numbers; {_meant(region)}',
        )
        for region in rules.regions or ()
        if region not in NUMBERED
    )


def _meant(region: str) -> str:
    known = MEANT.get(region)
    return f'write "{known}"' if known else 'write its two letters of ISO 3166, like "US" or "GB"'


def phone_introduction(rules: PhoneRules, contacts: Contacts) -> Introduction:
    """Show the number on file, else the countries to choose from."""
    names = region_names(rules.regions)
    return Introduction(
        destination=contacts.phone if rules.is_on_file else "",
        consent=rules.consent_text,
        regions=names if len(names) > 1 else (),
    )


def read_phone(text: str, rules: PhoneRules, *, region: str = "") -> str | Rejected:
    """Read a number in E.164, or refuse it.

    The reasons are ``phone_invalid``, ``phone_extension``, ``phone_region`` and ``phone_type``. A number with +1 may lie in
    any of twenty countries: its region is asked of the number, not of its country code. Without a country code it is read as one of
    ``region``, else of the policy's first region.
    """
    import phonenumbers

    if not text or len(text) > MAX_PHONE:
        return Rejected(reason="phone_invalid", free=True)
    try:
        known = rules.regions or ("US",)
        number = phonenumbers.parse(text, region if region in known else known[0])
    except phonenumbers.NumberParseException:
        return Rejected(reason="phone_invalid", free=True)
    if number.extension:
        return Rejected(reason="phone_extension", free=True)
    actual = phonenumbers.region_code_for_number(number)
    if actual == NO_COUNTRY and rules.regions is None:
        return Rejected(reason="phone_type", free=True, detail="satellite")
    kind = _TYPES.get(phonenumbers.number_type(number), "unknown")
    if kind in rules.refuse_types:
        return Rejected(reason="phone_type", free=True, detail=kind)
    if not phonenumbers.is_possible_number(number):
        return Rejected(reason="phone_invalid", free=True)
    e164 = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    if actual is None and is_fictional(e164):
        actual = "US"
    if actual is None:
        return Rejected(reason="phone_invalid", free=True)
    if rules.regions is not None and actual not in rules.regions:
        names = ", ".join(name for _, name in region_names(rules.regions))
        return Rejected(reason="phone_region", free=True, detail=names)
    return e164


def phone_on_file(rules: PhoneRules, contacts: Contacts) -> str:
    """Read the number on file, where the policy takes it from there.

    Returns "" where it does not, or refuses the number.
    """
    number = read_phone(contacts.phone, rules) if rules.is_on_file and contacts.phone else ""
    return number if isinstance(number, str) else ""


def is_fictional(e164: str) -> bool:
    """Check for +1 NXX 555-0100 to 0199, which are set aside for examples.

    No table gives them a region.
    """
    return e164.startswith("+1") and e164[5:10] == "55501"


def draft_phone(
    context: Context, rules: PhoneRules, purpose: str, typed: str, label: str, *, region: str = ""
) -> Draft | Rejected:
    """Begin an enrollment for the typed number, or the one on file if the policy wants that."""
    text = context.contacts.phone if rules.is_on_file else typed
    if not text and rules.is_on_file:
        return Rejected(reason="no_contact", free=True)
    number = read_phone(text, rules, region=region)
    if isinstance(number, Rejected):
        return number
    return Draft(data={"to": context.seal(purpose, number)}, label=label)


def shown_phone(context: Context, rules: PhoneRules, purpose: str, data: Fields, *, hint: str) -> Mapping[str, str]:
    """Give the texts of a draft's page.

    The number that was typed is shown whole until it is proven (decisions 58).
    """
    number = context.open(purpose, data["to"])
    return {"hint": hint, "phone": number, "typed": "" if rules.is_on_file else written(number)}


def written(e164: str) -> str:
    """Write a number as people in its country do.

    The country code stands before it, unless it is +1.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    kind = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if e164.startswith("+1")
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return str(phonenumbers.format_number(number, kind))


def number_to_send(context: Context, rules: PhoneRules, purpose: str, data: Fields) -> str | Rejected:
    """Open the enrolled number, if the policy of today still accepts its region and kind."""
    return read_phone(context.open(purpose, data["to"]), rules)


NAMES = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "AU": "Australia",
    "NZ": "New Zealand",
    "DE": "Germany",
    "FR": "France",
    "ES": "Spain",
    "IT": "Italy",
    "NL": "Netherlands",
    "MX": "Mexico",
    "IN": "India",
}


def region_names(regions: tuple[str, ...] | None) -> tuple[tuple[str, str], ...]:
    """List code and name of the accepted regions; empty where any is accepted."""
    return tuple((code, NAMES.get(code, code)) for code in regions or ())
