"""Every act at the desk with its terms: a change of one is a change of who may do what."""

from __future__ import annotations

import pytest

from mfa_gate.service.admin.actions import ACTIONS

FLAGS = ("unknown", "gives_ticket", "needs_two", "erases", "drops_forms", "by_person")
TERMS: dict[str, tuple[str, str, set[str], tuple[str, ...], tuple[str, ...]]] = {
    "unlock": ("unlock", "POST /unlock", set(), ("reason",), ()),
    "lock": ("unlock", "POST /lock", set(), ("reason",), ()),
    "reset": ("reset", "POST /reset", {"needs_two"}, ("ticket", "reason"), ()),
    "ticket": ("reset", "POST /ticket", {"unknown", "gives_ticket"}, ("reason", "mail"), ()),
    "break-glass": ("reset", "POST /break-glass", {"by_person"}, ("ticket", "hours", "reason"), ("ref",)),
    "confirm": ("reset", "POST /break-glass/confirm", {"by_person"}, ("ref",), ("ends_at",)),
    "revoke": ("reset", "POST /break-glass/revoke", set(), ("reason",), ()),
    "refuse": ("reset", "POST /refuse", set(), ("reason",), ()),
    "approve": ("reset", "POST /approve", {"by_person"}, ("ref",), ()),
    "withdraw": ("reset", "POST /withdraw", set(), ("reason",), ()),
    "end-sessions": ("unlock", "POST /end-sessions", {"drops_forms"}, ("reason",), ()),
    "forget-browser": ("unlock", "DELETE /browsers/", set(), ("browser", "reason"), ()),
    "remove": ("reset", "DELETE /authenticators/", {"needs_two"}, ("authenticator", "reason"), ()),
    "forget": ("reset", "POST /forget", {"unknown", "needs_two", "erases"}, ("reason",), ()),
}
"""The right, the call, the flags that are set, the fields, and the further members of the answer."""


@pytest.mark.parametrize("name", TERMS)
def test_the_terms_of_an_act(name: str) -> None:
    """Each is as it was agreed.

    A destructive one needs two people if the person holds rights.
    """
    action = ACTIONS[name]
    flags = {flag for flag in FLAGS if getattr(action, flag)}
    assert (action.right, f"{action.method} {action.place}", flags, action.fields, action.tells) == TERMS[name]
    assert action.optional == (("reason",) if name == "forget-browser" else ("hours", "mail"))
    assert action.a_day == (1000 if name == "end-sessions" else 0)


def test_every_act_is_listed() -> None:
    """A new one has terms as well."""
    assert list(ACTIONS) == list(TERMS)
