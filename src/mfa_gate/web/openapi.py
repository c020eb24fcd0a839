"""Describe our own JSON calls in a small OpenAPI document.

The host's schema stays the host's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .api.answers import Told, told_of
from .api.calls import Call
from .api.schemas import QUERIES, SCHEMAS, TEXT, ref
from .api.table import ACCOUNTS, CALLS, ON_ACCOUNT, ON_PART, ONE_OF

DESCRIPTION = (
    "The second factor for single-page apps and native clients. Ask state, then begin and confirm an enrollment, or create a "
    "challenge and verify. Every change needs the header X-MFA-Gate: 1."
)
SECURITY: dict[str, dict[str, str]] = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "The app's own sign-in, in whatever cookie it has, and the gate's cookies beside it.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The app's own token."},
    "proof": {
        "type": "apiKey",
        "in": "header",
        "name": "MFA-Proof",
        "description": "The proof_token of a client that keeps no cookies.",
    },
}


def document(server: str) -> dict[str, Any]:
    """Make the document; ``server`` is the prefix with the root path, e.g. ``/mfa``."""
    paths = {
        **CALLS,
        **{f"{start}{{id}}": calls for start, calls in ONE_OF.items()},
        **{f"{ACCOUNTS}{{id}}{action}": calls for action, calls in ON_ACCOUNT.items()},
        **{f"{ACCOUNTS}{{id}}{action}{{part}}": calls for action, calls in ON_PART.items()},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "mfa_gate", "version": "1", "description": DESCRIPTION},
        "servers": [{"url": f"{server}/api"}],
        "security": [{"session": []}, {"bearer": []}, {"bearer": [], "proof": []}],
        "paths": {place: _operations(place, calls) for place, calls in paths.items()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": SECURITY,
            "parameters": {
                "Sign": {
                    "name": "X-MFA-Gate",
                    "in": "header",
                    "required": True,
                    "description": "A header that no form can send.",
                    "schema": ref("Sign"),
                }
            },
        },
    }


def _operations(place: str, calls: Mapping[str, Call]) -> dict[str, Any]:
    return {method.lower(): _operation(place, method, call) for method, call in calls.items()}


def _operation(place: str, method: str, call: Call) -> dict[str, Any]:
    told = told_of(method, place, call.summary)
    operation: dict[str, Any] = {
        "operationId": told.id,
        "summary": told.summary,
        "tags": ["administration" if place.startswith("/admin/") else "second factor"],
        "parameters": _parameters(place, method, told),
        "responses": {
            **{str(status): _answer(told) for status in (told.status, *told.also)},
            "default": {
                "description": "A problem (RFC 9457).",
                "content": {"application/problem+json": {"schema": ref("Problem")}},
            },
        },
    }
    if method in ("POST", "PATCH"):
        operation["requestBody"] = {
            "required": bool(call.required),
            "content": {"application/json": {"schema": _body(call)}},
        }
    return operation


def _parameters(place: str, method: str, told: Told) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in ("id", "part"):
        if f"{{{name}}}" in place:
            found.append({"name": name, "in": "path", "required": True, "schema": TEXT})
    if method != "GET":
        found.append({"$ref": "#/components/parameters/Sign"})
    found += [{"name": name, "in": "query", "schema": QUERIES.get(name, TEXT)} for name in told.query]
    return found


def _answer(told: Told) -> dict[str, Any]:
    if not told.answers:
        return {"description": "Done."}
    shapes = [ref(name) for name in told.answers]
    schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _body(call: Call) -> dict[str, Any]:
    """Make the schema of a body. A member that is not required may be null."""
    return {
        "type": "object",
        "properties": {
            name: dict(member.schema) if name in call.required else _or_null(member.schema)
            for name, member in call.members.items()
        },
        "required": list(call.required),
        "additionalProperties": False,
    }


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}
