"""Describe every key of the policy file in one row: meaning, bounds, stricter direction.

The types and the defaults come from the classes of ``core.rules``. The reader, the schema and the reference are all made
from these rows. A field without a row fails at import.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache

from ..core.options import (
    KEY,
    PROOF_AGE,
    Direction,
    Key,
    is_distinct,
    key,
    length,
    number,
    sentence,
    some_of,
    text,
    words,
)
from ..core.rules import (
    METHODS,
    AgreementRules,
    AttemptRules,
    AuditRules,
    BrandRules,
    ChangeRules,
    CodeRules,
    CompareRules,
    CountRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    NudgeRules,
    PriceRules,
    RecoveryRules,
    ReportRules,
    ResendRules,
    RoleRules,
    RollingRules,
    Rules,
    SendCount,
    SendRules,
    SkipRules,
    StepUpRule,
    SubjectExemption,
    UnansweredRules,
)
from ..factors import BUILT_IN, Registry
from . import predicates as is_
from .faults import listed
from .scenario import REASONS, Example, Expect, Given
from .shape import specs_of

LAST_DAY = 253_402_214_400
"""The first second of 9999-12-31, in UTC."""

ONE_FACTOR = ("pwd", "kba", "pin", "user", "geo", "rba", "wia")
"""Words of RFC 8176, 2 for a password, a place or mere presence: none of them is a second factor."""


def choice(words: tuple[str, ...]) -> Key:
    """Take text that is one of ``words``."""
    return Key(says=f"it must be one of {listed(words)}", holds=lambda v: v in words, one_of=words)


def groups(*, empty: bool, stricter: Direction = "") -> Key:
    """Take an array of names of the host's groups."""
    return Key(
        says=f"it must be {'an array' if empty else 'a non-empty array'} of group names, each once",
        holds=lambda v: is_distinct(v) and all(is_.printable(g) and g.strip() for g in v) and (empty or len(v) > 0),
        stricter=stricter,
    )


MOMENT = Key(
    says="it must be between 1970-01-01 and 9999-12-31",
    holds=lambda v: 0 <= v <= LAST_DAY,
)
"""A moment that has a date in each time zone."""

LABEL = Key(says="it must be 1 to 64 letters, digits, spaces and -_.", holds=lambda v: is_.label(v))

CLASSES = Key(
    says="it must be an array of class references (acr), each once",
    holds=lambda v: is_distinct(v) and all(is_.printable(w) and 0 < len(w.strip()) <= 255 for w in v),
    stricter="fewer",
)

LINK = Key(
    says='it must be an address that starts with "https://", "mailto:" or "/"',
    holds=lambda v: v == "" or is_.help_address(v),
    stricter="either",
)
COLOR = Key(says='it must be a color like "#171b24"', holds=lambda v: v == "" or is_.color(v), stricter="none")

FILE_KEYS: Mapping[str, Key] = {
    "version": key("The version of this format.", Key(says="it must be 1"), stricter="none"),
    "name": key("The name of the policy; every event of the audit trail carries it.", text(100), stricter="none"),
    "tenants_are": key(
        '"closed": people of a tenant that the file does not name are refused; "open": they have the rules of the file.',
        words("open", "closed"),
    ),
    "rails": key("How far a tenant's own section may move a key."),
    "tenants": key("Sections for one tenant each; a key that is absent there is taken from the file."),
    "tests": key("Examples that must stay true; mfa-gate policy test runs them."),
}
"""The keys that only the file as a whole has, and no tenant."""

PERMANENT_KEY = key("true in place of expires: the exemption never ends.")

KEYS: Mapping[type, Mapping[str, Key]] = {
    Rules: {
        "mode": key(
            '"enforce", or "report-only": decide and record, never interrupt.',
            words("report-only", "enforce"),
            seen=True,
        ),
        "owner": key(
            "The contact that people are shown when they need to ask somebody.",
            text(200, empty=True),
            stricter="either",
        ),
        "factors": key("The factors there are, and how they are offered."),
        "sends": key("Limits on the messages of everybody together."),
        "enrollment": key("The start of enrollment, and the right to enroll a first factor."),
        "freshness": key("How long a proof counts."),
        "attempts": key("Wrong answers before the account is locked."),
        "roles": key("The host's groups that hold each right of administration."),
        "recovery": key("Ways back for a person who lost access to every factor."),
        "audit": key("The audit trail."),
        "report": key("The records of report-only, apart from the audit trail."),
        "change": key("The life of this file: reloads, and approvals of looser policies. It is of the whole file."),
        "agreement": key("A text that people accept before they go on; absent: none."),
        "brand": key("The look of the pages."),
        "exempt": key("Paths that need no second factor."),
        "exempt_subjects": key("People who need no second factor, by their groups."),
        "step_up": key("Paths that ask for a fresher or a stronger proof."),
        "networks": key("Networks by name: each key is a name of your own, its value a list of networks."),
    },
    FactorRules: {
        "choice": key(
            '"user": people pick among the allowed factors; "tenant": the tenant\'s administrators pick.',
            words("user", "tenant"),
            seen=True,
        ),
        "first_offer": key(
            'The factor that a challenge offers first: "strongest" follows "order", "last-used" is the one last used here.',
            words("last-used", "strongest"),
        ),
        "auto_send": key(
            "true: a code is sent at once when a page load leads to a factor that sends one.", stricter="none"
        ),
        "mask": key("true: addresses and phone numbers are shown in part only.", words(False, True)),
    },
    CodeRules: {
        "digits": key("Digits of a code.", number(6, 10, "higher")),
        "ttl": key("Time for which a code is good.", length("30s", "1h", "lower")),
        "live": key("Codes of one person that are good at the same time.", number(1, 5, "lower")),
    },
    ResendRules: {
        "wait": key("Shortest time between two sends to one person.", length("0s", "1h", "higher")),
        "per_hour": key("Sends to one person in an hour.", number(1, 60, "lower")),
        "per_day": key("Sends to one person in a day.", number(1, 200, "lower")),
    },
    CountRules: {
        "count": key("Requests in one window.", number(1, 20, "lower")),
        "window": key("Length of the window.", length("1m", "1d", "higher")),
    },
    SendRules: {
        "per_destination": key("Messages to one address or number."),
        "per_range": key("Messages to numbers that differ in their last four digits only."),
        "per_network": key("Messages that one network asks for in one tenant."),
        "per_tenant": key("Messages of one tenant."),
        "price": key("Prices of single messages, in the unit of cap_per_day."),
        "cap_per_day": key(
            "What a tenant's texts and calls may cost in one UTC day; absent: no cap.",
            number(1, 1_000_000_000, "lower"),
        ),
        "warn_at": key("Percent of the cap at which the administrators are told.", number(1, 100, "lower")),
        "unanswered": key("The alarm for texts and calls that nobody answers."),
    },
    SendCount: {
        "count": key("Messages in one window.", number(1, 1_000_000, "lower")),
        "window": key("Length of the window.", length("1m", "1d", "higher")),
    },
    PriceRules: {
        "sms": key("Price of one text message.", number(0, 1_000_000, "higher")),
        "voice": key("Price of one call.", number(0, 1_000_000, "higher")),
    },
    UnansweredRules: {
        "below": key("Percent of answered texts and calls below which the alarm is raised.", number(0, 100, "higher")),
        "after": key("Texts and calls of a day before the alarm can be raised.", number(1, 1_000_000, "lower")),
    },
    EnrollmentRules: {
        "stage": key(
            'Whether people must enroll: "off", "optional", "required", or "admin": off until the administrator turns it on.',
            seen=True,
        ),
        "optional_from": key(
            'With dates in place of "stage": the moment from which enrolling is offered.',
            MOMENT,
            stricter="lower",
            seen=True,
        ),
        "required_from": key(
            'With dates in place of "stage": the moment from which enrolling is required.',
            MOMENT,
            stricter="lower",
            seen=True,
        ),
        "skip": key("Skipping while enrollment is optional."),
        "nudge": key("The offer of a stronger factor, after a proof by a weaker one."),
        "permanent": key(
            "true: neither a person nor a tenant can turn the second factor off again.", words(False, True)
        ),
        "first": key(
            'What a first enrollment needs besides the password: "open" nothing, "contact" a code to a contact on file, '
            '"ticket" a ticket of an administrator.',
            words("open", "contact", "ticket"),
        ),
        "ticket_life": key("Time for which an enrollment ticket is good.", length("1m", "30d", "lower")),
        "checklist": key(
            'Whether turning a tenant on waits for its checklist: "required", or "advice".', words("advice", "required")
        ),
    },
    NudgeRules: {
        "every": key("Shortest time between two offers to one person.", length("1h", "365d"), stricter="none"),
        "max": key("How often a person gets the offer; 0: never.", number(0, 100), stricter="none"),
        "groups_any": key(
            "Groups of which the person has one or more; absent or empty: everybody.",
            groups(empty=True),
            stricter="none",
        ),
        "groups_none": key("Groups of which the person has none.", groups(empty=True), stricter="none"),
    },
    SkipRules: {
        "remind": key(
            "When a person who skipped is asked again.",
            Key(says='it must be "next-sign-in"', holds=lambda v: v == "next-sign-in"),
            stricter="none",
        ),
        "max": key(
            "How often a person may skip; 0: no limit while enrollment is optional.", number(0, 1000), seen=True
        ),
    },
    FreshnessRules: {
        "max_age": key("Age up to which a proof counts.", PROOF_AGE, seen=True),
        "renew_early": key(
            "Time before the end of a proof at which a page load asks again, so that no form is lost.",
            length("0s", "1d", "higher"),
        ),
        "remember": key(
            'A proof belongs to the "browser", or to the "session": then it ends with the sign-in of the host.',
            words("browser", "session"),
            seen=True,
        ),
        "outage_grace": key(
            "Time from the start of a store's outage for which a browser that had passed before still passes.",
            length("0s", "15m", "lower"),
        ),
        "trust_amr": key(
            "Words (amr) of the host's identity provider that count as a second factor.",
            Key(
                says=f"it must be an array of words for a second factor (RFC 8176), each once; {listed(ONE_FACTOR)} tell of none",
                holds=lambda v: is_distinct(v) and all(is_.label(w) for w in v) and not set(v) & set(ONE_FACTOR),
                stricter="fewer",
            ),
            seen=True,
        ),
        "trust_acr": key(
            "Class references (acr) of the host's identity provider that count as a second factor.", CLASSES, seen=True
        ),
        "phishing_resistant_acr": key(
            "Those of trust_acr that meet a demand for phishing resistance.", CLASSES, seen=True
        ),
        "ip_change": key("A browser that comes from another network than before."),
    },
    IPChangeRules: {
        "action": key('"challenge": ask again; "log": record it only.', words("log", "challenge"), seen=True),
        "compare": key("The size of a network."),
        "known_networks": key(
            "Networks that are remembered for each browser; 1: only the last one.", number(1, 5, "lower")
        ),
        "trusted": key(
            "Named networks; a change from one to another of them does not ask.",
            Key(
                says="it must be an array of names from [networks], each once",
                holds=is_distinct,
                stricter="fewer",
            ),
            seen=True,
        ),
    },
    CompareRules: {
        "v4": key("Leading bits of an IPv4 address that make its network.", number(8, 32, "higher"), seen=True),
        "v6": key("Leading bits of an IPv6 address that make its network.", number(32, 128, "higher"), seen=True),
    },
    AttemptRules: {
        "max": key("Wrong answers in a row before the account is locked.", number(1, 100, "lower"), seen=True),
        "rolling": key("A second budget of wrong answers, which a right answer does not refill."),
        "lock_ends_sessions": key(
            "true: a lock also ends the proofs that the person has.", words(False, True), seen=True
        ),
    },
    RollingRules: {
        "max": key("Wrong answers in one window.", number(1, 1000, "lower")),
        "window": key("Length of the window.", length("1d", "365d", "higher")),
    },
    RoleRules: {
        "look": key("Groups that may see accounts.", groups(empty=True, stricter="fewer")),
        "unlock": key("Groups that may unlock accounts.", groups(empty=True, stricter="fewer")),
        "reset": key("Groups that may reset accounts.", groups(empty=True, stricter="fewer")),
        "tenant": key(
            "Groups that may turn the tenant on and choose its factors.", groups(empty=True, stricter="fewer")
        ),
        "audit": key("Groups that may read the audit trail.", groups(empty=True, stricter="fewer")),
        "everywhere": key(
            "Groups that act in every tenant; all others act in their own.", groups(empty=True, stricter="fewer")
        ),
        "privileged": key(
            "Groups that may administer people who hold rights themselves; each of their own rights is needed as well.",
            groups(empty=True, stricter="fewer"),
        ),
        "policy": key("Groups that may approve a policy that is looser.", groups(empty=True, stricter="fewer")),
        "actor_max_age": key(
            "Age up to which an administrator's own proof is good for a change.", length("30s", "12h", "lower")
        ),
    },
    RecoveryRules: {
        "ways": key(
            'The ways that are offered; "request" asks the administrators.',
            some_of(RecoveryRules().ways, empty=True, stricter="fewer"),
        ),
        "contact": key("The sentence that says whom to ask for help.", sentence(500), stricter="either"),
        "hold": key(
            "Time that a request waits before it can be granted, so that the person can stop it.",
            length("0s", "30d", "higher"),
        ),
        "self_service": key(
            "Time after which a request opens a first enrollment by itself, unless a proof or the person stops it; "
            '"0s": never.',
            length("0s", "90d", "zero or higher"),
        ),
    },
    AuditRules: {
        "retention": key(
            "Age at which lines of the trail are pruned; absent: never.", length("30d", "10000d", "higher")
        ),
        "mail_heads": key(
            "true: the owner gets the signed head of the trail by mail, once an hour where something happened.",
            words(False, True),
        ),
        "mail_reports": key(
            "The owner gets the numbers of each tenant by mail: set up, missing, exempt, locked, stale.",
            choice(("never", "weekly", "monthly")),
            stricter="none",
        ),
    },
    ReportRules: {
        "retention": key("Age at which the records of report-only are removed.", length("1d", "400d", "higher")),
    },
    ChangeRules: {
        "looser": key(
            '"tell": a policy that lets more pass comes into force, and the owner is told; "approve": it waits for approvals.',
            words("tell", "approve"),
        ),
        "approvals": key("People who must approve a looser policy, none of them twice.", number(1, 5, "higher")),
        "grace": key(
            "Time before a shorter audit.retention or report.retention removes anything.", length("0s", "90d", "higher")
        ),
        "reload": key("true: the file is read again when it changes, and on SIGHUP.", stricter="none"),
    },
    AgreementRules: {
        "id": key("The name of the agreement in the audit trail.", LABEL, seen=True),
        "version": key("The version that people accept.", LABEL, seen=True),
        "title": key("The title of the page.", text(200), stricter="none"),
        "file": key("The file of the text, beside the policy.", text(500), seen=True),
        "again": key(
            "When people are asked again: for a new version, or at each sign-in.",
            words("new-version", "each-sign-in"),
            seen=True,
        ),
    },
    BrandRules: {
        "name": key("The name on the pages.", text(80, empty=True), stricter="none"),
        "accent": key(
            "The color of buttons and links.",
            Key(
                says='it must be a color like "#0b5fff" that has a contrast of 4.5:1 or more against white (WCAG 1.4.3)',
                holds=is_.legible_color,
                stricter="none",
            ),
        ),
        "show_name": key(
            "false: the name is not written on the pages, e.g. because the logo holds it.", stricter="none"
        ),
        "text": key("The color of text in the light theme; absent: ours.", COLOR),
        "text_dark": key("The color of text in the dark theme; absent: ours.", COLOR),
        "surface": key("The color behind the text in the light theme; absent: ours.", COLOR),
        "surface_dark": key("The color behind the text in the dark theme; absent: ours.", COLOR),
        "radius": key("The rounding of fields and buttons, in pixels.", number(0, 24, "none")),
        "font": key(
            "The font, or a list of them in the order of preference; absent: that of the system.",
            Key(
                says="it must be names of installed fonts with commas in between; the pages load no font from a file",
                holds=lambda v: v == "" or is_.font_names(v),
                stricter="none",
            ),
        ),
        "logo": key(
            "The file of the logo (PNG or SVG), beside the policy. A wide one keeps its shape.",
            text(500, empty=True),
            stricter="none",
        ),
        "logo_dark": key(
            "The file of the logo for the dark theme; absent: the same.", text(500, empty=True), stricter="none"
        ),
        "stylesheet": key(
            "The file of a stylesheet of yours, beside the policy; it comes after ours.",
            text(500, empty=True),
            stricter="none",
        ),
        "help_url": key("The link to the host's help.", LINK),
        "terms_url": key("The link to the host's terms, beside the consent to text messages and calls.", LINK),
        "privacy_url": key("The link to the host's privacy policy, beside that consent.", LINK),
    },
    Exemption: {
        "name": key("The name of the rule in decisions and events.", LABEL, stricter="none"),
        "paths": key('Paths: "=/exact", or "/tree/**" for all below it.', Key(stricter="fewer"), seen=True),
        "methods": key("Methods of HTTP that are exempt.", some_of(METHODS, stricter="fewer"), seen=True),
        "reason": key("The reason for the exemption.", text(300), stricter="none"),
        "expires_at": key("The moment at which the exemption ends.", MOMENT, stricter="lower", seen=True),
    },
    SubjectExemption: {
        "name": key("The name of the rule in decisions and events.", LABEL, stricter="none"),
        "groups_any": key(
            "Groups of which the person has one or more.", groups(empty=False, stricter="fewer"), seen=True
        ),
        "groups_none": key("Groups of which the person has none.", groups(empty=True, stricter="more"), seen=True),
        "reason": key("The reason for the exemption.", text(300), stricter="none"),
        "expires_at": key("The moment at which the exemption ends.", MOMENT, stricter="lower", seen=True),
    },
    StepUpRule: {
        "name": key("The name of the rule in decisions and events.", LABEL, stricter="none"),
        "paths": key('Paths: "=/exact", or "/tree/**" for all below it.', Key(stricter="more"), seen=True),
        "methods": key(
            "Methods of HTTP that fall under the rule; absent: all.", some_of(METHODS, stricter="more"), seen=True
        ),
        "max_age": key("Age up to which a proof counts here.", PROOF_AGE, seen=True),
        "phishing_resistant": key(
            "true: only a factor counts whose answer a false site cannot pass on.", words(False, True), seen=True
        ),
        "user_verification": key(
            "true: only a proof counts whose authenticator checked the person by PIN, face or fingerprint.",
            words(False, True),
            seen=True,
        ),
        "report_only": key("true: this rule is only recorded, never enforced.", words(True, False), seen=True),
        "tenants_any": key(
            "Tenants in which the rule applies; absent or empty: every tenant.",
            Key(
                says="it must be an array of names of tenants, each once",
                holds=lambda v: is_distinct(v) and all(is_.printable(t) and t.strip() for t in v),
                stricter="more",
            ),
            seen=True,
        ),
        "groups_any": key(
            "Groups that fall under the rule; absent or empty: everybody.",
            groups(empty=True, stricter="more"),
            seen=True,
        ),
        "groups_none": key("Groups that do not fall under the rule.", groups(empty=True, stricter="fewer"), seen=True),
        "label": key(
            "The action in the words of people, as the start of a sentence; absent: the page names none.",
            sentence(80, empty=False),
            stricter="none",
        ),
    },
    Example: {
        "name": key("The name of the test.", text(200)),
        "given": key("The situation."),
        "expect": key("The claim; an absent key is not compared."),
    },
    Given: {
        "tenant": key("The tenant of the person.", text(255)),
        "groups": key("The groups of the person.", groups(empty=True)),
        "proof_age": key("Age of the person's proof; absent: none."),
        "login_age": key("Age of a sign-in at an identity provider that the policy trusts; absent: none."),
        "ip": key('The address of the request: the "same" as the proof\'s, an "other" one, or a "trusted" network.'),
        "request": key('The request, like "POST /export".'),
        "locked": key("The account is locked."),
        "skipped": key("The person skipped the enrollment in this session."),
        "agreed": key("The person accepted the agreement."),
        "at": key("The moment of the request; absent: now.", MOMENT),
        "enabled": key("The administrators of the tenant turned it on."),
    },
    Expect: {
        "decision": key("The decision."),
        "reason": key("The reason of the decision.", choice(REASONS)),
        "rule": key("The rule that decided."),
    },
}


@cache
def _kind_keys(factors: Registry) -> Mapping[type, Mapping[str, Key]]:
    """Make the rows of the keys that name kinds of factors, and of the sections of the kinds."""
    kinds = tuple(factors)
    return {
        FactorRules: {
            "allowed": key("The factors that people can enroll and use.", some_of(kinds, stricter="fewer"), seen=True),
            "order": key(
                "The order in which factors are offered, the first one first.", some_of(kinds, stricter="none")
            ),
            **{kind: key(factor.about) for kind, factor in factors.items()},
        },
        NudgeRules: {
            "to": key("The factor that is offered; absent: the strongest.", choice(("", *kinds)), stricter="none"),
            "after": key(
                "The factors after whose proof it is offered; absent: those whose code is typed.",
                some_of(kinds, empty=True),
                stricter="none",
            ),
        },
        StepUpRule: {
            "factors_any": key(
                "Factors of which one must have made the proof.", some_of(kinds, stricter="fewer"), seen=True
            )
        },
        Given: {
            "enrolled": key("The factors that the person has.", some_of(kinds, empty=True)),
            "proof_factor": key(
                "The factor that made the proof; absent: the first one enrolled.", choice(("", *kinds))
            ),
        },
        Expect: {"factors": key("The factors that are offered.", some_of(kinds, empty=True))},
    }


def key_for(cls: type, name: str, factors: Registry = BUILT_IN) -> Key:
    """Find the row of the field ``name`` of ``cls``.

    A field of a factor's options brings its own row (``core.options.option``); all others have one in the tables of this
    file. Raises ``KeyError`` for a field without a row.
    """
    own = next((field.metadata.get(KEY) for field in dataclasses.fields(cls) if field.name == name), None)
    row = own or _kind_keys(factors).get(cls, {}).get(name) or KEYS.get(cls, {}).get(name)
    if not isinstance(row, Key):
        raise KeyError(f"{cls.__name__}.{name} has no row: declare an option of a factor with core.options.option")
    return row


def _every_field(cls: type) -> Iterator[tuple[type, str]]:
    for spec in specs_of(cls):
        yield cls, spec.name
        if spec.of is not None:
            yield from _every_field(spec.of)


for _cls, _name in (*_every_field(Rules), *_every_field(Example)):
    key_for(_cls, _name)
