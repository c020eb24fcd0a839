"""The list of all pages: which template shows which view.

The names are a promise to templates of hosts: see the README of this folder.
"""

from __future__ import annotations

import dataclasses

from . import account, admin, challenge, enroll, impact, messages, plain
from .frame import Frame

__all__ = ["MESSAGES", "TEMPLATES", "VIEWS", "values_of"]

TEMPLATES = 1
"""The version of the templates: it rises when a file, a block or a value goes or gets another meaning."""

VIEWS: dict[str, type] = {
    kind.template: kind
    for module in (challenge, enroll, account, plain, admin, impact)
    for kind in vars(module).values()
    if isinstance(kind, type) and hasattr(kind, "template")
}
"""The class of the values that each template gets as ``view``."""


MESSAGES: dict[str, type] = {name: kind for kind in (messages.Mail, messages.TextMessage) for name in kind.templates}
"""The class of the values that each template of a mail or a text message gets as ``view``."""


def values_of(kind: type) -> tuple[str, ...]:
    """List the values of a view or of the frame that a template may read."""
    fields = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    added = [name for name, value in vars(kind).items() if isinstance(value, property)]
    methods = ["problem"] if kind is Frame else []
    return (*fields, *added, *methods)
