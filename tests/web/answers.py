"""Every answer of the JSON calls is held against the OpenAPI document (D-19).

This happens in every test.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from mfa_gate.web.openapi import document

if TYPE_CHECKING:
    from tests.harness import Reply


def _closed(schema: Any) -> Any:
    """The schema with no member besides those that it names."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = _closed(document("/mfa"))
    return found


@cache
def _validator(method: str, place: str, status: str) -> Any:
    answer = _document()["paths"][place][method]["responses"].get(status)
    if answer is None or "content" not in answer:
        return None
    (media,) = answer["content"].values()
    return jsonschema_rs.Draft202012Validator({**media["schema"], "components": _document()["components"]})


@cache
def _place(call: str) -> str | None:
    """The documented address of a call, "/browsers/x" say is "/browsers/{id}"."""
    for place in sorted(_document()["paths"], key=lambda text: text.count("{")):
        if re.fullmatch(re.sub(r"\\\{(id|part)\\\}", "[^/]+", re.escape(place)), call):
            return str(place)
    return None


def check(method: str, call: str, reply: Reply) -> None:
    """Raise ``AssertionError`` for an answer that the document does not describe."""
    media = reply.header("content-type")
    if method == "HEAD" or "json" not in media:
        return
    place = _place(f"/{call.partition('?')[0]}")
    if place is None or method.lower() not in _document()["paths"][place]:
        assert reply.status >= 400 or call == "openapi.json"
        return
    status = str(reply.status) if reply.status < 400 else "default"
    validator = _validator(method.lower(), place, status)
    assert validator is not None, f"{method} {place}: {reply.status} is not documented"
    faults = [
        f"{'/'.join(map(str, fault.instance_path))}: {fault.message}" for fault in validator.iter_errors(reply.json())
    ]
    assert not faults, f"{method} {place} {reply.status}: {faults}"


def check_summary(reply: Reply) -> None:
    """Raise ``AssertionError`` where the summary of errors links to a missing field (U-50)."""
    if b'id="errors"' not in reply.body:
        return
    page = reply.text
    summary = page[page.index('id="errors"') :].partition("</ul>")[0]
    missing = [name for name in re.findall(r'href="#([^"]+)"', summary) if f'id="{name}"' not in page]
    assert missing == [], f"the summary of errors links to {missing}, which is not on the page"
