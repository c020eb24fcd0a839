"""Changes of the example policy: some loosen it, the others only tighten or reorder it."""

from __future__ import annotations

from typing import NamedTuple

from ..kinds import HERE

REST = """
[tenants.pay]
freshness.max_age = "1d"
freshness.trust_acr = ["phr", "urn:two"]
freshness.phishing_resistant_acr = ["phr"]
freshness.remember = "session"
enrollment.optional_from = 2027-01-01
enrollment.required_from = 2027-06-01
enrollment.skip.max = 3
attempts.lock_ends_sessions = true

[[tenants.pay.step_up]]
name = "pay"
paths = ["/pay/**", "=/refund"]
methods = ["POST", "PUT"]
phishing_resistant = true
groups_none = ["robot"]

[[tenants.pay.step_up]]
name = "keys"
paths = ["/keys/**"]
user_verification = true
groups_any = ["staff", "admin"]

[tenants.town]
mode = "report-only"

[tenants.off]
enrollment.stage = "optional"
factors.choice = "tenant"

[[tests]]
name = "exports ask"
given = { tenant = "clinic", enrolled = ["totp"], proof_age = "6m", request = "POST /reports/export/1", agreed = true }
expect = { decision = "challenge", rule = "export" }
"""

MORE = {
    'contact = "Call your administrator."': 'contact = "Call your administrator."\nhold = "2d"\nself_service = "3d"',
    "[brand]\n": '[audit]\nretention = "400d"\n\n[sends]\ncap_per_day = 20000\nprice = { sms = 8, voice = 14 }\n\n[brand]\n',
    'outage_grace = "0s" ': 'outage_grace = "1m" ',
    '"enrollment.stage"  = {': '"attempts.max"  = {',
    "known_networks = 5 ": "known_networks = 3 ",
    "max_age     = ": 'trust_amr   = ["mfa"]\nmax_age     = ',
}


def example() -> str:
    """The example policy with the keys that it leaves out."""
    text = (HERE / "example.toml").read_text() + REST
    for old, new in MORE.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Mutation(NamedTuple):
    """One change: a text that stands once in the example, and another one in its place."""

    old: str
    new: str
    seen: bool = True

    def made(self, text: str) -> str:
        assert text.count(self.old) == 1, (self.old, text.count(self.old))
        return text.replace(self.old, self.new)


def unseen(old: str, new: str) -> Mutation:
    """A change that no request shows."""
    return Mutation(old, new, seen=False)


LOOSER = [
    Mutation('mode    = "enforce" ', 'mode    = "report-only" '),
    Mutation('allowed = ["email", "sms", "totp", "backup-code"]', 'allowed = ["email", "sms", "totp", "push"]'),
    Mutation(
        'allowed = ["email", "sms", "totp", "backup-code"]', 'allowed = ["email", "voice", "totp", "backup-code"]'
    ),
    Mutation('allowed = ["email", "sms", "totp", "backup-code"]', 'allowed = ["webauthn", "email", "sms", "totp"]'),
    Mutation('factors.choice = "tenant"', 'factors.choice = "user"'),
    Mutation('stage         = "admin" ', 'stage         = "optional" '),
    Mutation('stage         = "admin" ', 'stage         = "off" '),
    Mutation('enrollment.stage = "required"', "enrollment.required_from = 2029-01-01"),
    Mutation("optional_from = 2027-01-01\n", "optional_from = 2027-02-01\n"),
    Mutation("required_from = 2027-06-01", "required_from = 2027-06-02"),
    Mutation("enrollment.required_from = 2027-06-01\n", ""),
    Mutation("enrollment.skip.max = 3", "enrollment.skip.max = 4"),
    Mutation("enrollment.skip.max = 3", "enrollment.skip.max = 0"),
    Mutation('max_age     = "7d"', 'max_age     = "7d1s"'),
    Mutation('freshness.max_age = "1d"', 'freshness.max_age = "25h"'),
    Mutation('trust_amr   = ["mfa"]', 'trust_amr   = ["hwk"]'),
    Mutation('trust_amr   = ["mfa"]', 'trust_amr   = ["mfa", "otp"]'),
    Mutation('trust_acr = ["phr", "urn:two"]', 'trust_acr = ["phr", "urn:three"]'),
    Mutation('phishing_resistant_acr = ["phr"]', 'phishing_resistant_acr = ["phr", "urn:two"]'),
    Mutation('phishing_resistant_acr = ["phr"]', 'phishing_resistant_acr = ["urn:two"]'),
    Mutation('freshness.remember = "session"', 'freshness.remember = "browser"'),
    Mutation('action   = "challenge" ', 'action   = "log" '),
    Mutation("v4 = 32", "v4 = 31"),
    Mutation("v6 = 64", "v6 = 56"),
    Mutation('["198.51.100.0/28", "2001:db8:44::/64"]', '["198.51.100.0/27", "2001:db8:44::/64"]'),
    Mutation('["198.51.100.0/28", "2001:db8:44::/64"]', '["192.0.2.0/24", "2001:db8:44::/64"]'),
    Mutation('["198.51.100.0/28", "2001:db8:44::/64"]', '["198.51.100.0/28", "2001:db8:40::/58"]'),
    Mutation("max       = 7\n", "max       = 8\n"),
    Mutation("attempts.lock_ends_sessions = true", "attempts.lock_ends_sessions = false"),
    Mutation('["=/healthz"]', '["=/healthz", "=/export"]'),
    Mutation('["=/healthz"]', '["=/login"]'),
    Mutation('["=/healthz"]', '["/healthz/**"]'),
    Mutation('["GET", "HEAD"]', '["GET", "HEAD", "POST"]'),
    Mutation('["GET", "HEAD"]', '["PUT"]'),
    Mutation('["patient"]', '["patient", "student"]'),
    Mutation('["patient"]', '["student"]'),
    Mutation('["clinician", "admin"]', '["clinician"]'),
    Mutation('["clinician", "admin"]', '["clinician", "security"]'),
    Mutation("expires = 2027-12-31\n\n[[step_up", "expires = 2028-01-01\n\n[[step_up"),
    Mutation("expires = 2027-12-31\n\n[[step_up", "permanent = true\n\n[[step_up"),
    Mutation('["/reports/export/**"]', '["/reports/export/all/**"]'),
    Mutation('["/reports/export/**"]', '["/reports/exports/**"]'),
    Mutation('["POST"]\nmax_age', '["PUT"]\nmax_age'),
    Mutation('\nmax_age = "5m"\n', '\nmax_age = "6m"\n'),
    Mutation('\nmax_age = "5m"\n', "\n"),
    Mutation('["webauthn", "totp"]', '["webauthn", "totp", "sms"]'),
    Mutation('["webauthn", "totp"]', '["webauthn", "email"]'),
    Mutation("report_only = false", "report_only = true"),
    Mutation('["/pay/**", "=/refund"]', '["/pay/**"]'),
    Mutation('["/pay/**", "=/refund"]', '["/pay/**", "=/refunds"]'),
    Mutation('["POST", "PUT"]', '["POST"]'),
    Mutation("\nphishing_resistant = true", '\nmax_age = "1h"'),
    Mutation('groups_none = ["robot"]', 'groups_none = ["robot", "boss"]'),
    Mutation('groups_none = ["robot"]', 'groups_none = ["boss"]'),
    Mutation("\nuser_verification = true", '\nmax_age = "1h"'),
    Mutation('groups_any = ["staff", "admin"]', 'groups_any = ["staff"]'),
    Mutation('groups_any = ["staff", "admin"]', 'groups_any = ["staff", "boss"]'),
    Mutation(
        "[[tests]]\nname   = ",
        '[[exempt]]\nname = "x"\npaths = ["/x/**"]\nreason = "x"\npermanent = true\n[[tests]]\nname   = ',
    ),
    Mutation(REST[REST.index('[[tenants.pay.step_up]]\nname = "keys"') : REST.index("[tenants.town]")], ""),
    unseen('owner   = "security@example.org"', 'owner   = "sales@example.org"'),
    unseen('owner   = "security@example.org" ', 'owner   = "" '),
    unseen("mask    = true", "mask    = false"),
    unseen('count = 3, window = "15m"', 'count = 4, window = "15m"'),
    unseen('ttl = "60s"', 'ttl = "61s"'),
    unseen('regions = ["US"] ', 'regions = ["CA"] '),
    unseen('"premium-rate", "toll-free", "shared-cost", "pager"', '"premium-rate", "toll-free", "voip", "pager"'),
    unseen('user_verification = "preferred"', 'user_verification = "discouraged"'),
    unseen('first         = "contact"', 'first         = "open"'),
    unseen("permanent     = true ", "permanent     = false "),
    unseen('outage_grace = "1m"', 'outage_grace = "2m"'),
    unseen("known_networks = 3", "known_networks = 4"),
    unseen('rolling   = { max = 50, window = "30d" }', 'rolling   = { max = 50, window = "29d" }'),
    unseen('reset  = ["admin", "security"]', 'reset  = ["admin", "support"]'),
    unseen('tenant = ["admin"]', 'tenant = ["support"]'),
    unseen('everywhere = ["security"]', 'everywhere = ["security", "admin"]'),
    unseen('actor_max_age = "5m"', 'actor_max_age = "6m"'),
    unseen('privileged = ["security"]', 'privileged = ["security", "admin"]'),
    unseen('ticket_life   = "1d"', 'ticket_life   = "2d"'),
    unseen('checklist     = "required"', 'checklist     = "advice"'),
    unseen('hold = "2d"', 'hold = "1d"'),
    unseen('self_service = "3d"', 'self_service = "2d"'),
    unseen('contact = "Call your administrator."', 'contact = "Call 555-0100."'),
    unseen('retention = "400d"', 'retention = "399d"'),
    unseen("cap_per_day = 20000", "cap_per_day = 20001"),
    unseen("price = { sms = 8", "price = { sms = 7"),
    unseen('help_url = "https://example.org/help"', 'help_url = "https://example.net/help"'),
    unseen('max = "30d" }\n', 'max = "31d" }\n'),
    unseen("subset = true, ", ""),
    unseen('"attempts.max"  = { only_stricter = true }\n', ""),
    unseen('expect = { decision = "challenge", reason = "expired" }', 'expect = { decision = "challenge" }'),
    unseen(REST[REST.index("[[tests]]") :], "\n"),
]


TIGHTER = [
    ('max_age     = "7d"', 'max_age     = "6d"'),
    ('freshness.max_age = "1d"', 'freshness.max_age = "12h"'),
    ('allowed = ["email", "sms", "totp", "backup-code"]', 'allowed = ["email", "totp", "backup-code"]'),
    ('allowed = ["email", "sms", "totp", "backup-code"]', 'allowed = ["totp"]'),
    ('allowed = ["email", "sms", "totp", "backup-code"]', 'allowed = ["backup-code", "totp", "sms", "email"]'),
    ('"sms", "voice", "email", "backup-code"]\norder', '"email", "voice", "sms", "backup-code"]\norder'),
    ('order   = ["webauthn", "push", "totp",', 'order   = ["totp", "webauthn", "push",'),
    ('first_offer = "last-used"', 'first_offer = "strongest"'),
    ("auto_send = true", "auto_send = false"),
    ('choice  = "user"', 'choice  = "tenant"'),
    ('mode = "report-only"\n', ""),
    ('enrollment.stage = "optional"', 'enrollment.stage = "required"'),
    ('stage         = "admin" ', 'stage         = "required" '),
    ("optional_from = 2027-01-01\n", "optional_from = 2026-12-01\n"),
    ("required_from = 2027-06-01", "required_from = 2027-02-01"),
    (
        "enrollment.optional_from = 2027-01-01\nenrollment.required_from = 2027-06-01\n",
        'enrollment.stage = "required"\n',
    ),
    ("enrollment.skip.max = 3", "enrollment.skip.max = 2"),
    ('trust_amr   = ["mfa"]', "trust_amr   = []"),
    ('trust_acr = ["phr", "urn:two"]', 'trust_acr = ["phr"]'),
    ('trust_acr = ["phr", "urn:two"]', 'trust_acr = ["urn:two", "phr"]'),
    ('phishing_resistant_acr = ["phr"]', "phishing_resistant_acr = []"),
    ('remember    = "browser"', 'remember    = "session"'),
    ("v6 = 64", "v6 = 128"),
    ('trusted  = ["hq"]', "trusted  = []"),
    ('["198.51.100.0/28", "2001:db8:44::/64"]', '["198.51.100.0/29", "2001:db8:44::/64"]'),
    ('["198.51.100.0/28", "2001:db8:44::/64"]', '["2001:db8:44::/64", "198.51.100.0/28"]'),
    ("max       = 7\n", "max       = 6\n"),
    ("lock_ends_sessions = false", "lock_ends_sessions = true"),
    ('version = "2025-01"', 'version = "2026-01"'),
    ('again   = "new-version"', 'again   = "each-sign-in"'),
    ('title   = "Data', 'title   = "The Data'),
    ('["GET", "HEAD"]', '["HEAD", "GET"]'),
    ('["GET", "HEAD"]', '["GET"]'),
    ('name    = "health"', 'name    = "probes"'),
    ('"probes, no user data"', '"probes"'),
    ("permanent = true                         # or", "expires = 2027-03-01                      # or"),
    ('["clinician", "admin"]', '["clinician", "admin", "security"]'),
    ("expires = 2027-12-31\n\n[[step_up", "expires = 2027-12-30\n\n[[step_up"),
    ('["/reports/export/**"]', '["/reports/**"]'),
    ('["/reports/export/**"]', '["/reports/export/**", "/export/**"]'),
    ('["/reports/export/**"]', '["/Reports/Export/**"]'),
    ('["POST"]\nmax_age', '["POST", "GET"]\nmax_age'),
    ('methods = ["POST"]\nmax_age', "max_age"),
    ('\nmax_age = "5m"\n', '\nmax_age = "4m"\n'),
    ('["webauthn", "totp"]', '["totp"]'),
    ('["webauthn", "totp"]', '["totp", "webauthn"]'),
    ('name    = "export"', 'name    = "reports"'),
    ('["/pay/**", "=/refund"]', '["=/refund", "/pay/**"]'),
    ('["/pay/**", "=/refund"]', '["/pay/**", "=/refund", "/refund/**"]'),
    ('["POST", "PUT"]', '["PUT", "POST", "DELETE"]'),
    ("\nphishing_resistant = true", '\nphishing_resistant = true\nmax_age = "10m"'),
    ('groups_none = ["robot"]\n', ""),
    ('groups_any = ["staff", "admin"]', 'groups_any = ["admin", "staff", "boss"]'),
    ('groups_any = ["staff", "admin"]\n', ""),
    ("[[tests]]\nname   = ", '[[step_up]]\nname = "x"\npaths = ["/x/**"]\nmax_age = "1h"\n[[tests]]\nname   = '),
    ("[rails] ", '[rails]\n"attempts.rolling.max" = { max = 70 }\n#'),
    ('max = "30d" }\n', 'max = "20d" }\n'),
    ("mask    = true", "mask    = true  # still"),
    ('regions = ["US"] ', 'regions = ["US"]\n#'),
    (
        '"premium-rate", "toll-free", "shared-cost", "pager"',
        '"pager", "premium-rate", "voip", "toll-free", "shared-cost"',
    ),
    ('user_verification = "preferred"', 'user_verification = "required"'),
    ('first         = "contact"', 'first         = "ticket"'),
    ('outage_grace = "1m"', 'outage_grace = "30s"'),
    ("known_networks = 3", "known_networks = 1"),
    ("max = 50, window", "max = 40, window"),
    ('look   = ["support", "admin", "security"]', 'look   = ["security", "admin"]'),
    ('actor_max_age = "5m"', 'actor_max_age = "1m"'),
    ('ticket_life   = "1d"', 'ticket_life   = "1h"'),
    ('hold = "2d"', 'hold = "3d"'),
    ('self_service = "3d"', 'self_service = "4d"'),
    ('self_service = "3d"', 'self_service = "0s"'),
    ('retention = "400d"', 'retention = "2200d"'),
    ('[audit]\nretention = "400d"\n', ""),
    ("cap_per_day = 20000", "cap_per_day = 15000"),
    ('accent = "#0b5fff"', 'accent = "#0b5f99"'),
    ('name   = "the eighth day asks again"', 'name   = "again on the eighth day"'),
    ('name    = "example"', 'name    = "clinics"'),
]
"""Changes that only tighten or reorder, or change words and looks."""
