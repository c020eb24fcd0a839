"""The second factor for ASGI apps that already have a sign-in."""

from __future__ import annotations

from .bootstrap import MFAGate, Status
from .core.model import Contacts, Subject
from .core.rules import Policy
from .errors import MFAGateError, SettingsError
from .ports import Senders
from .service import RelyingParty
from .web.middleware import MFAGateMiddleware
from .web.stepup import require_proof

__all__ = [
    "Contacts",
    "MFAGate",
    "MFAGateError",
    "MFAGateMiddleware",
    "Policy",
    "RelyingParty",
    "Senders",
    "SettingsError",
    "Status",
    "Subject",
    "require_proof",
]
__version__ = "0.1.0"
