"""The values of the page of the policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...service.admin.policy import PolicyDocument
from .desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPolicy:
    """The page ``/admin/policy``: the policy in force, those before it, and what waits.

    It posts ``digest`` and ``reason``. ``typed_at`` is the day that the history was asked for; ``wrong`` says that it is
    none. ``open_form`` is the digest whose form comes back with ``typed_reason``.
    """

    template: ClassVar[str] = "admin/policy.html"
    desk: Desk
    found: PolicyDocument
    typed_at: str = ""
    wrong: bool = False
    open_form: str = ""
    typed_reason: str = ""
