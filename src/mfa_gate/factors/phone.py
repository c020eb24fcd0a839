"""Telephone numbers: the accepted ones, told apart by the number itself.

A number is refused by its class, never by "invalid" alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..core.model import Contacts, Fields
from ..core.options import PLAIN, Key, is_distinct, option, sentence, some_of, words
from ..core.rules import CodeRules, ResendRules
from .base import Context, Draft, Rejected
from .optional_parts import Introduction, OptionFault
from .region_names import region_name
from .regions import MEANT, WITH_TERRITORIES
from .regions import REGIONS as NUMBERED

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

MAX_PHONE = 40
NO_COUNTRY = "001"
"""The region of numbers of satellites and other networks without a country, whose calls are costly (S-129)."""
COSTLY = {"personal-number": "premium-rate"}
"""Kinds whose calls cost as much as those of another kind: they are refused along with it."""
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
        None,
        REGIONS,
        'Regions (ISO 3166) that a number itself may belong to, whatever its country code; absent: any. "US" includes its '
        "territories (PR, GU, VI, AS, MP).",
    )
    refuse_types: tuple[str, ...] = option(
        REFUSED,
        some_of(TYPES, empty=True, stricter="more"),
        'Types of numbers that are refused; "premium-rate" includes personal numbers, which cost as much.',
    )
    consent_text: str = option(
        CONSENT, sentence(300), "The sentence about costs beside the field for the number.", stricter="none"
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
    ``region``, else of the policy's first region. The detail of a refused region is its code, and those of the accepted ones.
    """
    import phonenumbers

    if not text or len(text) > MAX_PHONE:
        return Rejected(reason="phone_invalid", free=True)
    known = rules.regions or ("US",)
    home = region if region in known else known[0]
    number = _parsed(text, home)
    if number is None:
        return _unreadable(text, home)
    if number.extension:
        return Rejected(reason="phone_extension", free=True)
    actual = phonenumbers.region_code_for_number(number)
    if actual == NO_COUNTRY and rules.regions is None:
        return Rejected(reason="phone_type", free=True, detail="satellite")
    kind = _TYPES.get(phonenumbers.number_type(number), "unknown")
    if kind in rules.refuse_types or COSTLY.get(kind) in rules.refuse_types:
        return Rejected(reason="phone_type", free=True, detail=kind)
    if not _is_possible(number):
        return _unreadable(text, home)
    e164 = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    if actual is None and is_fictional(e164):
        actual = "US"
    if actual is None:
        # The list of area codes ages: a number that could be one is not called unreadable.
        return Rejected(reason="phone_invalid", free=True, detail="unknown-area")
    if rules.regions is not None and not _is_in(actual, rules.regions):
        return Rejected(reason="phone_region", free=True, detail=" ".join((actual, *rules.regions)))
    return e164


def _parsed(text: str, home: str) -> PhoneNumber | None:
    """Parse a number. Where it makes no sense at home, 00 is read as +."""
    import phonenumbers

    spellings = [text]
    if re.match(r"[\s(]*0[\s()-]*0", text):
        spellings.append(re.sub(r"0[\s()-]*0", "+", text, count=1))
    found = None
    for spelling in spellings:
        try:
            number = phonenumbers.parse(spelling, home)
        except phonenumbers.NumberParseException:
            continue
        if _is_possible(number):
            return number
        found = found or number
    return found


def _is_possible(number: PhoneNumber) -> bool:
    """Tell if a number can be called from anywhere, by its length.

    The library also calls one possible that reaches somebody in its own town or country alone, an emergency call included.
    """
    import phonenumbers

    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE


def _unreadable(text: str, home: str) -> Rejected:
    """Refuse a text that is no number at home, and say what to write.

    A 0 at the beginning is that of another country where the numbers at home have none.
    """
    import phonenumbers

    abroad = text.strip().startswith("0") and phonenumbers.ndd_prefix_for_region(home, True) != "0"
    if abroad:
        return Rejected(reason="phone_invalid", free=True, detail="country-code")
    example = phonenumbers.example_number_for_type(home, phonenumbers.PhoneNumberType.MOBILE)
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return Rejected(
        reason="phone_invalid", free=True, detail=phonenumbers.format_number(example, form) if example else ""
    )


def _is_in(region: str, accepted: Sequence[str]) -> bool:
    """Tell if a region is an accepted one, or a territory of one (decisions 62)."""
    return region in accepted or any(region in WITH_TERRITORIES.get(known, ()) for known in accepted)


def phone_on_file(rules: PhoneRules, contacts: Contacts) -> str | None:
    """Read the number on file, where the policy takes it from there.

    Returns None where people type theirs, and "" where there is none or the policy refuses it.
    """
    if not rules.is_on_file:
        return None
    number = read_phone(contacts.phone, rules) if contacts.phone else ""
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


def region_names(regions: tuple[str, ...] | None) -> tuple[tuple[str, str], ...]:
    """List code and English name of the accepted regions; empty where any is accepted."""
    return tuple((code, region_name(code)) for code in regions or ())
