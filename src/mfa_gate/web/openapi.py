"""Describe our own JSON calls in a small OpenAPI document.

The host's schema stays the host's.
"""

from __future__ import annotations

from typing import Any

from ..core.reasons import REASONS
from .api.calls import Call
from .api.table import ACCOUNTS, CALLS, ON_ACCOUNT, ONE_OF

_TYPES: dict[type, dict[str, object]] = {
    str: {"type": "string", "maxLength": 1024},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    dict: {"type": "object"},
    list: {"type": "array", "items": {"type": "string"}},
}
_CREATED = {("/challenge", "POST"), ("/enroll", "POST"), ("/enroll/confirm", "POST"), ("/backup-codes", "POST")}
_ACCEPTED = {"/recovery", "/admin/tenant/remind", "/admin/tenant/test-message"}
_QUERIES: dict[str, tuple[str, ...]] = {
    "/admin/accounts": ("status", "q", "after", "limit"),
    "/admin/events": ("account", "kind", "after", "limit"),
}


def document(server: str) -> dict[str, Any]:
    """Make the document. ``server`` is the prefix with the root path, e.g. ``/mfa``."""
    paths: dict[str, dict[str, Any]] = {}
    for place, calls in CALLS.items():
        paths[place] = _operations(place, calls)
    for start, calls in ONE_OF.items():
        paths[start + "{id}"] = _operations(start, calls, named=True)
    for action, calls in ON_ACCOUNT.items():
        paths[ACCOUNTS + "{id}" + action] = _operations(ACCOUNTS + action, calls, named=True)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mfa_gate",
            "version": "1",
            "description": "The second factor for single-page apps and native clients.",
        },
        "servers": [{"url": f"{server}/api"}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _problem()},
            "parameters": {
                "Sign": {
                    "name": "X-MFA-Gate",
                    "in": "header",
                    "required": True,
                    "description": "A header that no form can send.",
                    "schema": {"type": "string", "enum": ["1"]},
                }
            },
        },
    }


def _operations(place: str, calls: Any, *, named: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for method, call in calls.items():
        found[method.lower()] = _operation(place, method, call, named=named)
    return found


def _operation(place: str, method: str, call: Call, *, named: bool) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    if named:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    if method != "GET":
        parameters.append({"$ref": "#/components/parameters/Sign"})
    for name in _QUERIES.get(place, ()) if method == "GET" else ():
        parameters.append({"name": name, "in": "query", "schema": {"type": "string"}})
    summary = call.summary or (call.handler.__doc__ or "").strip().split("\n")[0]
    status = "201" if (place, method) in _CREATED else "202" if place in _ACCEPTED else "200"
    status = "204" if method == "DELETE" else "201" if place.endswith("/ticket") else status
    done: dict[str, Any] = {"description": "Done."}
    if status != "204":
        done["content"] = {"application/json": {"schema": {"type": "object"}}}
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}{place.replace('/', '-').rstrip('-')}{'-one' if named else ''}",
        "summary": summary,
        "parameters": parameters,
        "responses": {
            status: done,
            "default": {
                "description": "A problem (RFC 9457).",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if method in ("POST", "PATCH"):
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _body(call)}},
        }
    return operation


def _body(call: Call) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, kinds in call.members.items():
        shapes = [_TYPES[kind] for kind in kinds]
        members[name] = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    return {
        "type": "object",
        "properties": members,
        "required": list(call.required),
        "additionalProperties": False,
    }


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "reason", "ref"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "reason": {"type": "string", "enum": sorted(REASONS)},
            "ref": text,
            "attempts_remaining": {"type": "integer"},
            "retry_after": {"type": "integer"},
            "max_age": {"type": "integer"},
            "challenge_url": text,
            "user_verification": {"type": "boolean"},
        },
    }
