"""The public surface is frozen (D-17).

A name that comes or goes is a decision, not an accident.
"""

from __future__ import annotations

import importlib

import pytest

import mfa_gate

SURFACE = {
    "mfa_gate": (
        "Contacts DEFAULT_FACTORS EnrollmentTicket Event Forgotten MFAGate MFAGateError MFAGateMiddleware Message Person "
        "PersonAuthenticator PersonChange PersonStatus PhoneSend Policy Refused RelyingParty Senders SettingsError Status "
        "Subject Upstream require_proof"
    ),
    "mfa_gate.identity": "BearerJWT FastAPIUsers FirstOf RequestUser SessionUser TrustedHeader Unreadable subject_by_sub",
    "mfa_gate.errors": "MFAGateError MissingExtra Refused SendFailed SettingsError StoreContention StoreMissing StoreUnavailable",
    "mfa_gate.ports": (
        "BeforeSend CallsBack ChecksItself Clock Closes ContactsOf DescribeNetwork DirectoryOf Entropy FreshSignIn HasPushKey "
        "Identify Message "
        "NamesSession NeedsAuthentication NeedsSession Pauses PhoneSend ReadsScope ReadsSessions SeesUsers Sender Senders "
        "SharedSignals SignInAgain TakesDestination"
    ),
    "mfa_gate.storage": (
        "END EVERYTHING Accounts Advises ChainPoint Changed ChecksColumns Compacts EventPage FindsLines InFile Limits Link Notes "
        "Page Reader RemembersGeneration ReportPart ReportParts Rewrite Roster Store Take Taken TellsTime Trail Upgrades take_one"
    ),
    "mfa_gate.testing": (
        "BrowserContext Enrolled FixedClock Kit Outbox PEER ProofCookie RouteRow SoftKey WebClient assert_all_covered "
        "async_client_for client_for enrolled proof_cookie route_inventory serving signed_in verified"
    ),
    "mfa_gate.testing.plugin": "MakesKit mfa_clock mfa_gate_kit mfa_outbox mfa_routes",
    "mfa_gate.senders": "ConsoleSender SMTPSender TwilioSender TwilioVoiceSender WebPushSender WebhookSender",
    "mfa_gate.policyfile": "Examined Fault Finding examine findings load_policy parse_policy",
}


@pytest.mark.parametrize("module", SURFACE)
def test_surface(module: str) -> None:
    """Each public module has these names in ``__all__``, and each of them is there."""
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == sorted(SURFACE[module].split())
    assert all(getattr(loaded, name) is not None for name in loaded.__all__)


def test_no_other_name() -> None:
    """A misspelled name is an AttributeError that names it."""
    with pytest.raises(AttributeError, match="MFAGates"):
        _ = mfa_gate.MFAGates  # type: ignore[attr-defined]
    assert dir(mfa_gate) == sorted(mfa_gate.__all__)
