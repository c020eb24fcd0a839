"""The values of keys in the example, where the default would say little or does not exist."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "": {"version": "1", "name": '"example"', "owner": '"security@example.org"'},
    "[factors.sms]": {"regions": '["US", "CA"]'},
    "[factors.voice]": {"regions": '["US", "CA"]'},
    "[sends]": {"cap_per_day": "20000"},
    "[sends.per_destination]": {"count": "30", "window": '"1d"'},
    "[sends.per_range]": {"count": "300", "window": '"1h"'},
    "[sends.per_network]": {"count": "1000", "window": '"1h"'},
    "[sends.per_tenant]": {"count": "20000", "window": '"1d"'},
    "[sends.price]": {"sms": "8", "voice": "14"},
    "[enrollment]": {"optional_from": "2027-02-01T00:00:00Z", "required_from": "2027-09-01T00:00:00Z"},
    "[freshness.ip_change]": {"trusted": '["hq"]'},
    "[audit]": {"retention": '"2200d"'},
    "[agreement]": {
        "id": '"data-access"',
        "version": '"2027-01"',
        "title": '"Data Access Agreement"',
        "file": '"agreements/data-access.md"',
    },
    "[brand]": {
        "name": '"Example"',
        "help_url": '"https://example.org/help"',
        "terms_url": '"https://example.org/terms"',
        "privacy_url": '"https://example.org/privacy"',
    },
    "[[exempt]]": {
        "name": '"health"',
        "paths": '["=/healthz"]',
        "methods": '["GET", "HEAD"]',
        "reason": '"probes, no user data"',
        "expires": "2028-12-31",
        "permanent": "true",
    },
    "[[exempt_subjects]]": {
        "name": '"patients"',
        "groups_any": '["patient"]',
        "groups_none": '["clinician", "admin"]',
        "reason": '"the patient portal is out of scope"',
        "expires": "2028-12-31",
        "permanent": "true",
    },
    "[[step_up]]": {
        "name": '"export"',
        "paths": '["/reports/export/**"]',
        "methods": '["POST"]',
        "max_age": '"5m"',
        "factors_any": '["webauthn", "totp"]',
        "tenants_any": "[]",
        "groups_any": '["clinician"]',
        "groups_none": '["trainee"]',
        "label": '{ en = "Exporting reports", es = "Exportar informes" }',
    },
    '[rails."a.key"]': {
        "min": '"12h"',
        "max": '"30d"',
        "subset": "true",
        "at_least": "1",
        "only_stricter": "true",
    },
    "[[tests]]": {"name": '"an export asks for a fresh proof"'},
    "[tests.given]": {
        "tenant": '"clinic"',
        "groups": '["clinician"]',
        "enrolled": '["totp"]',
        "proof_age": '"6m"',
        "proof_factor": '"totp"',
        "login_age": '"1h"',
        "request": '"POST /reports/export/1"',
        "at": "2027-06-01T12:00:00Z",
    },
    "[tests.expect]": {"decision": '"challenge"', "reason": '"step_up"', "rule": '"export"', "factors": '["totp"]'},
}
"""Texts in TOML, by the header of the section and the key. All other keys stand with their default."""

ALTERNATIVES = frozenset(
    {
        ("[enrollment]", "optional_from"),
        ("[enrollment]", "required_from"),
        ("[[exempt]]", "expires"),
        ("[[exempt_subjects]]", "permanent"),
        ("[tests.given]", "login_age"),
    }
)
"""Keys that stand in a comment in the example file: another key stands in their place."""

NEEDS_FILES = frozenset({"[agreement]"})
"""Sections that stand in a comment in the example file: they name files that must lie beside it."""
