"""The second factor for ASGI apps that already have a sign-in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core.events import Event
    from .core.model import Contacts, Subject, Upstream
    from .core.rules import Policy
    from .errors import MFAGateError, Refused, SettingsError
    from .factors.registry import DEFAULT_FACTORS
    from .gate import MFAGate
    from .ports import Message, PhoneSend, RelyingParty, Senders
    from .service.person import EnrollmentTicket, Forgotten, Person, PersonAuthenticator, PersonChange, PersonStatus
    from .web.middleware import MFAGateMiddleware
    from .web.status import Status
    from .web.stepup import require_proof

__all__ = [
    "DEFAULT_FACTORS",
    "Contacts",
    "EnrollmentTicket",
    "Event",
    "Forgotten",
    "MFAGate",
    "MFAGateError",
    "MFAGateMiddleware",
    "Message",
    "Person",
    "PersonAuthenticator",
    "PersonChange",
    "PersonStatus",
    "PhoneSend",
    "Policy",
    "Refused",
    "RelyingParty",
    "Senders",
    "SettingsError",
    "Status",
    "Subject",
    "Upstream",
    "require_proof",
]
__version__ = "0.1.0"

_HOMES = {
    "Contacts": "core.model",
    "DEFAULT_FACTORS": "factors.registry",
    "EnrollmentTicket": "service.person",
    "Event": "core.events",
    "Forgotten": "service.person",
    "Message": "ports",
    "MFAGate": "gate",
    "MFAGateError": "errors",
    "MFAGateMiddleware": "web.middleware",
    "Person": "service.person",
    "PersonAuthenticator": "service.person",
    "PersonChange": "service.person",
    "PersonStatus": "service.person",
    "PhoneSend": "ports",
    "Policy": "core.rules",
    "Refused": "errors",
    "RelyingParty": "ports",
    "require_proof": "web.stepup",
    "Senders": "ports",
    "SettingsError": "errors",
    "Status": "web.status",
    "Subject": "core.model",
    "Upstream": "core.model",
}


if not TYPE_CHECKING:  # a type checker that saw this would take every misspelled name for good

    def __getattr__(name: str) -> object:
        """Load a public name when it is first asked for (PEP 562).

        A command or a sender so does not load the gate.
        """
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
