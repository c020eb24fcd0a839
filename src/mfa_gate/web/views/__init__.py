"""The values that each page shows: one frozen class a page.

Handlers fill them, and templates only read them. Times are UTC seconds since 1970 (0: never). Lengths are seconds.
Addresses are absolute paths that include the prefix.

Where a rule chooses the words, the value is the rule's word (a reason, a factor's kind, an event's kind). The
templates put it into the reader's language. Everything else is shown as it is, escaped.
"""

from __future__ import annotations

from .account import (
    Activity,
    Agreement,
    AgreementDeclined,
    BackupStock,
    BrowserLine,
    FactorLine,
    Locked,
    Recovery,
    RecoverySent,
    Settings,
)
from .challenge import Challenge, CodeHelp, SignInAgain
from .enroll import (
    BackupCodes,
    BackupCodesStart,
    EnrollChoice,
    EnrollConfirm,
    EnrollContact,
    EnrollDone,
    EnrollOffer,
    EnrollStart,
    EnrollTicket,
    Region,
)
from .frame import Frame, Language, Notice, Problem, Sending, Way, Why
from .plain import Approve, Continue, CookiesOff, Disputing, Fault, Framed, HiddenField, Unsent, WrongAddress

__all__ = [
    "Activity",
    "Agreement",
    "AgreementDeclined",
    "Approve",
    "BackupCodes",
    "BackupCodesStart",
    "BackupStock",
    "BrowserLine",
    "Challenge",
    "CodeHelp",
    "Continue",
    "CookiesOff",
    "Disputing",
    "EnrollChoice",
    "EnrollConfirm",
    "EnrollContact",
    "EnrollDone",
    "EnrollOffer",
    "EnrollStart",
    "EnrollTicket",
    "FactorLine",
    "Fault",
    "Frame",
    "Framed",
    "HiddenField",
    "Language",
    "Locked",
    "Notice",
    "Problem",
    "Recovery",
    "RecoverySent",
    "Region",
    "Sending",
    "Settings",
    "SignInAgain",
    "Unsent",
    "View",
    "Way",
    "Why",
    "WrongAddress",
]

View = (
    Challenge
    | CodeHelp
    | EnrollChoice
    | EnrollStart
    | EnrollConfirm
    | EnrollContact
    | EnrollTicket
    | EnrollDone
    | EnrollOffer
    | BackupCodesStart
    | BackupCodes
    | Settings
    | Locked
    | Recovery
    | RecoverySent
    | Agreement
    | AgreementDeclined
    | SignInAgain
    | Disputing
    | Approve
    | Continue
    | CookiesOff
    | WrongAddress
    | Framed
    | Unsent
    | Fault
)
