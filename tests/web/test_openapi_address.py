"""The document of the JSON calls, which everybody may read.

Which says of each call what it takes.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from mfa_gate.core.model import MAX_ID_BYTES
from mfa_gate.web import openapi
from mfa_gate.web.api import table
from mfa_gate.web.api.answers import told_of
from mfa_gate.web.api.calls import Call
from tests.harness import FETCH, Browser, make_world, running

CALLS = {
    **table.CALLS,
    **{f"{start}{{id}}": calls for start, calls in table.ONE_OF.items()},
    **{f"{table.ACCOUNTS}{{id}}{action}": calls for action, calls in table.ON_ACCOUNT.items()},
    **{f"{table.ACCOUNTS}{{id}}{action}{{part}}": calls for action, calls in table.ON_PART.items()},
}
EACH = [(place, method, call) for place, calls in CALLS.items() for method, call in calls.items()]
DOCUMENT = openapi.document("/mfa")


def takes_null(schema: dict[str, Any]) -> bool:
    """Tell if a value may be null."""
    return {"type": "null"} in schema.get("anyOf", []) or "null" in schema.get("type", [])


@pytest.mark.parametrize(("place", "method", "call"), EACH, ids=lambda one: one if isinstance(one, str) else "")
def test_a_call_is_described(place: str, method: str, call: Call) -> None:
    """Its body, the parts of its address, its header, and the statuses of its answers."""
    operation = DOCUMENT["paths"][place][method.lower()]
    told = told_of(method, place, call.summary)
    assert (operation["operationId"], operation["summary"]) == (told.id, told.summary)
    assert operation["summary"]
    assert operation["tags"] == ["administration" if place.startswith("/admin/") else "second factor"]
    found = operation["parameters"]
    assert [one["name"] for one in found if one.get("in") == "path"] == re.findall(r"\{(\w+)\}", place)
    assert [one["required"] for one in found if one.get("in") == "path"] == [True] * place.count("{")
    assert [one["name"] for one in found if one.get("in") == "query"] == list(told.query)
    assert any("$ref" in one for one in found) is (method != "GET")
    assert set(operation["responses"]) == {str(told.status), *map(str, told.also), "default"}
    assert told.status in (
        (204,) if not told.answers else (201, 202) if method == "POST" and told.status != 200 else (200,)
    )
    assert ("content" in operation["responses"][str(told.status)]) is bool(told.answers)
    assert "application/problem+json" in operation["responses"]["default"]["content"]
    assert ("requestBody" in operation) is (method in ("POST", "PATCH"))
    if "requestBody" not in operation:
        return
    assert operation["requestBody"]["required"] is bool(call.required)
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert (body["type"], body["additionalProperties"]) == ("object", False)
    assert (set(body["properties"]), body["required"]) == (set(call.members), list(call.required))
    for name, schema in body["properties"].items():
        plain = dict(call.members[name].schema)
        assert takes_null(schema) is (name not in call.required), name
        assert (schema == plain) is (name in call.required), name


def test_no_call_is_left_out() -> None:
    """The document has the calls of the table, and no other; their names differ."""
    found = {(place, method) for place, calls in DOCUMENT["paths"].items() for method in calls}
    assert found == {(place, method.lower()) for place, method, _ in EACH}
    names = [calls[method]["operationId"] for calls in DOCUMENT["paths"].values() for method in calls]
    assert len(set(names)) == len(names) == len(EACH)
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["security"] == [{"session": []}, {"bearer": []}, {"bearer": [], "proof": []}]
    assert DOCUMENT["components"]["parameters"]["Sign"]["required"] is True


@pytest.mark.parametrize(
    ("place", "most"),
    [
        ("/challenge/{}", 64),
        ("/authenticators/{}", 64),
        ("/browsers/{}", 64),
        ("/admin/reports/{}", 64),
        ("/admin/accounts/{}", MAX_ID_BYTES),
        ("/admin/accounts/{}/lock", MAX_ID_BYTES),
        ("/admin/accounts/{}/authenticators/x", MAX_ID_BYTES),
        ("/admin/accounts/x/authenticators/{}", 64),
    ],
)
def test_the_parts_of_an_address_have_bounds(place: str, most: int) -> None:
    """An id that is too long, or none, is no address of ours."""
    assert table.find(place.format("x" * most)) is not None
    assert table.find(place.format("x")) is not None
    for wrong in ("x" * (most + 1), "", "x/y"):
        assert table.find(place.format(wrong)) is None, wrong


@pytest.mark.parametrize(("path", "root"), [("/mfa", ""), ("/app/mfa", "/app")])
async def test_a_stranger_reads_it(path: str, root: str) -> None:
    """It needs neither a sign-in nor the store, and names the address of the calls."""
    world = make_world()
    reply = await Browser(world).ask("GET", f"{path}/api/openapi.json", headers=FETCH, root_path=root)
    assert reply.status == 200
    document = reply.json()
    assert document["servers"] == [{"url": f"{path}/api"}]
    assert "/verify" in document["paths"]
    assert len(document["paths"]) >= len(table.CALLS)


async def test_no_other_method_does() -> None:
    """HEAD is answered as GET; a POST is a call that does not exist."""
    async with running(make_world()) as world:
        stranger = Browser(world)
        assert (await stranger.ask("HEAD", "/mfa/api/openapi.json", headers=FETCH)).status == 200
        assert (await stranger.api("POST", "openapi.json", {})).reason == "signed_out"
        ann = await world.enrolled()
        assert (await ann.api("POST", "openapi.json", {})).status in (404, 405)
