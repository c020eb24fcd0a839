"""The values that each page of the desk shows (the other pages: ``views``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ...service.admin.documents import AskedLine, GrantLine
from ...service.legal_holds import LegalHold
from ..chart import Chart
from . import Activity, BrowserLine, FactorLine
from .desk import Desk, Slip
from .many import AdminMany, ManyEnd, ManyRows
from .people import AdminAccounts
from .policy import AdminPolicy
from .start import AdminReport, AdminReports, AdminStart
from .what_if import AdminWhatIf

__all__ = [
    "ActForm",
    "AdminAccount",
    "AdminAudit",
    "AdminMany",
    "AdminPolicy",
    "AdminTenant",
    "AdminView",
    "AdminWhatIf",
    "Desk",
    "Line",
    "Tick",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActForm:
    """The form of one act on an account.

    Its words stand in ``admin/_actions.html`` under ``name``.
    """

    name: str
    fields: tuple[str, ...]
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAccount:
    """The page ``/admin/accounts/{id}`` of one person.

            Each of ``forms`` posts its name as ``action``, and its fields; it is alone on the page where ``open_form`` names it.
    ``foremost`` is the act that matters now. ``part_forms`` are the forms of single parts, which
        post the part's id as ``item``; ``open_item`` is the part whose form comes back. ``own`` says that the account is the
        actor's own: nobody acts on themselves. ``above``: the person holds rights, and the actor may not act on them.
        ``asked`` waits for a second administrator. ``activity`` is None for an actor who may not read the trail.
        ``slip`` has a fresh set-up code, which is shown only once; ``not_sent`` says why it could not be mailed.
    """

    template: ClassVar[str] = "admin/account.html"
    desk: Desk
    id: str
    name: str
    status: str
    url: str
    back: str
    trail_url: str = ""
    factors: tuple[FactorLine, ...] = ()
    browsers: tuple[BrowserLine, ...] = ()
    activity: tuple[Activity, ...] | None = None
    attempts_left: int = 0
    attempts_max: int = 7
    lock_cause: str = ""
    lock_ref: str = ""
    locked_at: int = 0
    locked_by: str = ""
    recovery_about: str = ""
    recovery_at: int = 0
    held_until: int = 0
    opens_at: int = 0
    own: bool = False
    forms: tuple[ActForm, ...] = ()
    part_forms: Mapping[str, ActForm] = field(default_factory=dict)
    above: bool = False
    asked: AskedLine | None = None
    open_form: str = ""
    open_item: str = ""
    typed_reason: str = ""
    typed_ticket: str = ""
    slip: Slip | None = None
    not_sent: str = ""
    can_mail: bool = False
    typed_mail: bool = False
    grant: GrantLine | None = None
    longest: int = 11
    typed_hours: str = "4"
    foremost: str = ""
    kinds: tuple[str, ...] = ()
    last_proof_at: int = 0
    lock_reason: str = ""
    disputed_until: int = 0
    open_ticket_until: int = 0
    agreement: str = ""

    @property
    def shown_ticket(self) -> str:
        """Return the code of the slip."""
        return self.slip.code if self.slip else ""

    @property
    def ticket_ends_at(self) -> int:
        """Return the end of the slip's code."""
        return self.slip.ends_at if self.slip else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One line of the checklist of preparations.

    ``markable`` says that an administrator ticks it by pressing a button.
    """

    id: str
    ok: bool
    text: str
    markable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminTenant:
    """The page ``/admin/tenant``: prepare, choose, turn on.

    It posts ``action`` (enable, choose, announced, trial, tested, remind, end-sessions), ``factors`` and ``confirm``. ``by_policy``
    says that the policy file decides if it is on. ``waits``: turning on waits for the lines of the checklist. ``can_end``:
    the form that ends all proofs is offered. ``ending``: it comes back, with its ``typed_reason``.
    """

    template: ClassVar[str] = "admin/tenant.html"
    desk: Desk
    enabled_at: int
    checklist: tuple[Tick, ...]
    counts: tuple[tuple[str, int], ...]
    choices: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
    factors: tuple[str, ...] = ()
    by_policy: bool = False
    total: int = 0
    enrolled: int = 0
    missing: int = 0
    exempt: int = 0
    can_remind: bool = True
    name: str = ""
    chart: Chart | None = None
    typed_confirm: str = ""
    waits: bool = False
    can_end: bool = False
    ending: bool = False
    typed_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the trail. ``when`` is the whole time, with its zone.

    The links lead to the person, to all lines from this address, and to all lines of this browser.
    """

    at: int
    when: str
    kind: str
    account: str
    actor: str
    factor: str
    network: str
    reason: str
    ticket: str
    ref: str
    address: str = ""
    agent: str = ""
    browser: str = ""
    request: str = ""
    person_url: str = ""
    address_url: str = ""
    browser_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAudit:
    """The page ``/admin/audit``: the trail, searched by GET.

    The filters are those of ``core/trail_search.py``.

    ``holds`` are the legal holds of this trail. ``words`` are the filters as they were typed. ``wrong`` is a filter that is
    unknown or cannot be read; nothing is listed then.
    """

    template: ClassVar[str] = "admin/audit.html"
    desk: Desk
    lines: tuple[Line, ...]
    kinds: tuple[tuple[str, str], ...]
    categories: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]
    account: str = ""
    kind: str = ""
    wrong: str = ""
    holds: tuple[LegalHold, ...] = ()
    next_url: str = ""


AdminView = (
    AdminStart
    | AdminAccounts
    | AdminAccount
    | AdminTenant
    | AdminAudit
    | AdminMany
    | ManyRows
    | ManyEnd
    | AdminReports
    | AdminReport
    | AdminPolicy
    | AdminWhatIf
)
