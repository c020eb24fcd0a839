"""The events of tokens for automation."""

from __future__ import annotations

from .kind import EventKind

ROWS = (
    EventKind(kind="token.created", trail="an operator made a token for automation", seen_by="trail"),
    EventKind(kind="token.used", trail="a program called the administrators' JSON with a token", seen_by="trail"),
    EventKind(kind="token.refused", trail="a token that is over or altered was shown", seen_by="trail"),
    EventKind(kind="token.revoked", trail="an operator ended a token for automation", seen_by="trail"),
)
