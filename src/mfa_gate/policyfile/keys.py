"""Describe every key of the policy file in one row: meaning, bounds, stricter direction.

The types and the defaults come from the classes of ``core.rules``. The reader, the schema and the reference are all made
from these rows. A field without a row fails at import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..core.rules import (
    METHODS,
    AgreementRules,
    AttemptRules,
    AuditRules,
    BrandRules,
    CompareRules,
    EnrollmentRules,
    Exemption,
    FreshnessRules,
    IPChangeRules,
    PriceRules,
    RecoveryRules,
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
from . import predicates as is_
from .bounds import Key, choice, groups, label, length, number, some_of, text, words
from .factor_keys import FACTOR_KEYS
from .faults import listed
from .scenario import REASONS, Example, Expect, Given
from .shape import factor_kinds, specs_of

ONE_FACTOR = ("pwd", "kba", "pin", "user", "geo", "rba", "wia")
"""Words of RFC 8176, 2 for a password, a place or mere presence: none of them is a second factor."""

FILE_KEYS: Mapping[str, Key] = {
    "version": Key(about="The version of this format.", says="it must be 1"),
    "name": text("The name of the policy; every event of the audit trail carries it.", 100),
    "rails": Key(about="How far a tenant's own section may move a key."),
    "tenants": Key(about="Sections for one tenant each; a key that is absent there is taken from the file."),
    "tests": Key(about="Examples that must stay true; mfa-gate policy test runs them."),
}
"""The keys that only the file as a whole has."""

PERMANENT_KEY = Key(about="true in place of expires: the exemption never ends.")

KEYS: Mapping[type, Mapping[str, Key]] = {
    **FACTOR_KEYS,
    Rules: {
        "mode": words('"enforce", or "report-only": decide and record, never interrupt.', "report-only", "enforce"),
        "owner": text("The contact that people are shown when they need to ask somebody.", 200, empty=True),
        "factors": Key(about="The factors there are, and how they are offered."),
        "sends": Key(about="Limits on the messages of everybody together."),
        "enrollment": Key(about="The start of enrollment, and the right to enroll a first factor."),
        "freshness": Key(about="How long a proof counts."),
        "attempts": Key(about="Wrong answers before the account is locked."),
        "roles": Key(about="The host's groups that hold each right of administration."),
        "recovery": Key(about="Ways back for a person who lost access to every factor."),
        "audit": Key(about="The audit trail."),
        "agreement": Key(about="A text that people accept before they go on; absent: none."),
        "brand": Key(about="The look of the pages."),
        "exempt": Key(about="Paths that need no second factor."),
        "exempt_subjects": Key(about="People who need no second factor, by their groups."),
        "step_up": Key(about="Paths that ask for a fresher or a stronger proof."),
        "networks": Key(about="Networks by name: each key is a name of your own, its value a list of networks."),
    },
    SendRules: {
        "per_destination": Key(about="Messages to one address or number."),
        "per_range": Key(about="Messages to numbers that differ in their last four digits only."),
        "per_network": Key(about="Messages that one network asks for in one tenant."),
        "per_tenant": Key(about="Messages of one tenant."),
        "price": Key(about="Prices of single messages, in the unit of cap_per_day."),
        "cap_per_day": number(
            "What a tenant's texts and calls may cost in one UTC day; absent: no cap.", 1, 1_000_000_000, "lower"
        ),
        "warn_at": number("Percent of the cap at which the administrators are told.", 1, 100),
        "unanswered": Key(about="The alarm for texts and calls that nobody answers."),
    },
    SendCount: {
        "count": number("Messages in one window.", 1, 1_000_000, "lower"),
        "window": length("Length of the window.", "1m", "1d", "higher"),
    },
    PriceRules: {
        "sms": number("Price of one text message.", 0, 1_000_000),
        "voice": number("Price of one call.", 0, 1_000_000),
    },
    UnansweredRules: {
        "below": number("Percent of answered texts and calls below which the alarm is raised.", 0, 100),
        "after": number("Texts and calls of a day before the alarm can be raised.", 1, 1_000_000),
    },
    EnrollmentRules: {
        "stage": words(
            'Whether people must enroll: "off", "optional", "required", or "admin": off until the administrator turns it on.'
        ),
        "optional_from": Key(
            about='With dates in place of "stage": the moment from which enrolling is offered.', stricter="lower"
        ),
        "required_from": Key(
            about='With dates in place of "stage": the moment from which enrolling is required.', stricter="lower"
        ),
        "skip": Key(about="Skipping while enrollment is optional."),
        "permanent": words("true: neither a person nor a tenant can turn the second factor off again.", False, True),
        "first": words(
            'What a first enrollment needs besides the password: "open" nothing, "contact" a code to a contact on file, '
            '"ticket" a ticket of an administrator.',
            "open",
            "contact",
            "ticket",
        ),
    },
    SkipRules: {
        "remind": Key(
            about="When a person who skipped is asked again.",
            says='it must be "next-sign-in"',
            holds=lambda v: v == "next-sign-in",
        ),
        "max": number("How often a person may skip; 0: no limit while enrollment is optional.", 0, 1000),
    },
    FreshnessRules: {
        "max_age": length("Age up to which a proof counts.", "1m", "365d", "lower"),
        "renew_early": length(
            "Time before the end of a proof at which a page load asks again, so that no form is lost.", "0s", "1d"
        ),
        "remember": words(
            'A proof belongs to the "browser", or to the "session": then it ends with the sign-in of the host.',
            "browser",
            "session",
        ),
        "outage_grace": length(
            "Time from the start of a store's outage for which a browser that had passed before still passes.",
            "0s",
            "15m",
            "lower",
        ),
        "trust_amr": Key(
            about="Words (amr) of the host's identity provider that count as a second factor.",
            says=f"it must be an array of words for a second factor (RFC 8176), each once; {listed(ONE_FACTOR)} tell of none",
            holds=lambda v: is_.distinct(v) and all(is_.label(w) for w in v) and not set(v) & set(ONE_FACTOR),
            stricter="fewer",
        ),
        "trust_acr": Key(
            about="Class references (acr) of the host's identity provider that count as a second factor.",
            says="it must be an array of class references (acr), each once",
            holds=lambda v: is_.distinct(v) and all(is_.printable(w) and 0 < len(w.strip()) <= 255 for w in v),
            stricter="fewer",
        ),
        "ip_change": Key(about="A browser that comes from another network than before."),
    },
    IPChangeRules: {
        "action": words('"challenge": ask again; "log": record it only.', "log", "challenge"),
        "compare": Key(about="The size of a network."),
        "known_networks": number("Networks that are remembered for each browser; 1: only the last one.", 1, 5, "lower"),
        "trusted": Key(
            about="Named networks; a change from one to another of them does not ask.",
            says="it must be an array of names from [networks], each once",
            holds=lambda v: is_.distinct(v),
            stricter="fewer",
        ),
    },
    CompareRules: {
        "v4": number("Leading bits of an IPv4 address that make its network.", 8, 32, "higher"),
        "v6": number("Leading bits of an IPv6 address that make its network.", 32, 128, "higher"),
    },
    AttemptRules: {
        "max": number("Wrong answers in a row before the account is locked.", 1, 100, "lower"),
        "rolling": Key(about="A second budget of wrong answers, which a right answer does not refill."),
        "lock_ends_sessions": words("true: a lock also ends the proofs that the person has.", False, True),
    },
    RollingRules: {
        "max": number("Wrong answers in one window.", 1, 1000, "lower"),
        "window": length("Length of the window.", "1d", "365d", "higher"),
    },
    RoleRules: {
        "look": groups("Groups that may see accounts.", empty=True, stricter="fewer"),
        "unlock": groups("Groups that may unlock accounts.", empty=True, stricter="fewer"),
        "reset": groups("Groups that may reset accounts.", empty=True, stricter="fewer"),
        "tenant": groups("Groups that may turn the tenant on and choose its factors.", empty=True, stricter="fewer"),
        "audit": groups("Groups that may read the audit trail.", empty=True, stricter="fewer"),
        "everywhere": groups(
            "Groups that act in every tenant; all others act in their own.", empty=True, stricter="fewer"
        ),
        "actor_max_age": length(
            "Age up to which an administrator's own proof is good for a change.", "30s", "12h", "lower"
        ),
    },
    RecoveryRules: {
        "ways": some_of(
            'The ways that are offered; "request" asks the administrators.',
            RecoveryRules().ways,
            empty=True,
            stricter="fewer",
        ),
        "contact": text("The sentence that says whom to ask for help.", 500, empty=True),
        "hold": length(
            "Time that a request waits before it can be granted, so that the person can stop it.", "0s", "30d", "higher"
        ),
    },
    AuditRules: {"retention": length("Age at which lines of the trail are pruned; absent: never.", "30d", "10000d")},
    AgreementRules: {
        "id": label("The name of the agreement in the audit trail."),
        "version": label("The version that people accept."),
        "title": text("The title of the page.", 200),
        "file": text("The file of the text, beside the policy.", 500),
        "again": words(
            "When people are asked again: for a new version, or at each sign-in.", "new-version", "each-sign-in"
        ),
    },
    BrandRules: {
        "name": text("The name on the pages.", 80, empty=True),
        "accent": Key(
            about="The color of buttons and links.",
            says='it must be a color like "#0b5fff" that has a contrast of 4.5:1 or more against white (WCAG 1.4.3)',
            holds=is_.legible_color,
        ),
        "logo": text("The file of the logo (PNG or SVG), beside the policy.", 500, empty=True),
        "help_url": Key(
            about="The link to the host's help.",
            says='it must be an address that starts with "https://", "mailto:" or "/"',
            holds=lambda v: v == "" or is_.help_address(v),
        ),
    },
    Exemption: {
        "name": label("The name of the rule in decisions and events."),
        "paths": Key(about='Paths: "=/exact", or "/tree/**" for all below it.', stricter="fewer"),
        "methods": some_of("Methods of HTTP that are exempt.", METHODS, stricter="fewer"),
        "reason": text("The reason for the exemption.", 300),
        "expires_at": Key(about="The moment at which the exemption ends.", stricter="lower"),
    },
    SubjectExemption: {
        "name": label("The name of the rule in decisions and events."),
        "groups_any": groups("Groups of which the person has one or more.", empty=False, stricter="fewer"),
        "groups_none": groups("Groups of which the person has none.", empty=True, stricter="more"),
        "reason": text("The reason for the exemption.", 300),
        "expires_at": Key(about="The moment at which the exemption ends.", stricter="lower"),
    },
    StepUpRule: {
        "name": label("The name of the rule in decisions and events."),
        "paths": Key(about='Paths: "=/exact", or "/tree/**" for all below it.', stricter="more"),
        "methods": some_of("Methods of HTTP that fall under the rule; absent: all.", METHODS, stricter="more"),
        "max_age": length("Age up to which a proof counts here.", "1m", "365d", "lower"),
        "factors_any": some_of("Factors of which one must have made the proof.", factor_kinds(), stricter="fewer"),
        "phishing_resistant": words(
            "true: only a factor counts whose answer a false site cannot pass on.", False, True
        ),
        "report_only": words("true: this rule is only recorded, never enforced.", True, False),
        "groups_any": groups("Groups that fall under the rule; absent: everybody.", empty=False, stricter="more"),
        "groups_none": groups("Groups that do not fall under the rule.", empty=True, stricter="fewer"),
    },
    Example: {
        "name": text("The name of the test.", 200),
        "given": Key(about="The situation."),
        "expect": Key(about="The claim; an absent key is not compared."),
    },
    Given: {
        "tenant": text("The tenant of the person.", 255),
        "groups": groups("The groups of the person.", empty=True),
        "enrolled": some_of("The factors that the person has.", factor_kinds(), empty=True),
        "proof_age": Key(about="Age of the person's proof; absent: none."),
        "proof_factor": choice(
            "The factor that made the proof; absent: the first one enrolled.", ("", *factor_kinds())
        ),
        "login_age": Key(about="Age of a sign-in at an identity provider that the policy trusts; absent: none."),
        "ip": words('The address of the request: the "same" as the proof\'s, an "other" one, or a "trusted" network.'),
        "request": Key(about='The request, like "POST /export".'),
        "locked": words("The account is locked."),
        "skipped": words("The person skipped the enrollment in this session."),
        "agreed": words("The person accepted the agreement."),
        "at": Key(about="The moment of the request; absent: now."),
        "enabled": words("The administrators of the tenant turned it on."),
    },
    Expect: {
        "decision": words("The decision."),
        "reason": choice("The reason of the decision.", REASONS),
        "rule": Key(about="The rule that decided."),
        "factors": some_of("The factors that are offered.", factor_kinds(), empty=True),
    },
}


def key_for(cls: type, name: str) -> Key:
    """Find the row of the field ``name`` of ``cls``, or of its base that has the field.

    Raises ``KeyError`` for a field without a row.
    """
    for owner in cls.__mro__:
        row = KEYS.get(owner, {}).get(name)
        if row is not None:
            return row
    raise KeyError(f"{cls.__name__}.{name} has no row in the tables of policy keys")


def _every_field(cls: type) -> Iterator[tuple[type, str]]:
    for spec in specs_of(cls):
        yield cls, spec.name
        if spec.of is not None:
            yield from _every_field(spec.of)


for _cls, _name in (*_every_field(Rules), *_every_field(Example)):
    key_for(_cls, _name)
