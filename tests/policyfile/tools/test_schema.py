"""The JSON Schema says the same as the reader."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from mfa_gate.policyfile.tools.schema import json_schema

from ..kinds import HERE

SCHEMA = json_schema()


def unknown_keys(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """List the keys in ``value`` that ``schema`` does not name, and missing required ones."""
    if isinstance(value, list):
        return [key for entry in value for key in unknown_keys(entry, schema.get("items", {}), f"{path}[]")]
    if not isinstance(value, dict):
        return []
    found = [f"{path}.{key} is missing" for key in schema.get("required", ()) if key not in value]
    for key, entry in value.items():
        inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if inner is False or inner is None:
            found.append(f"{path}.{key}")
        else:
            found += unknown_keys(entry, inner, f"{path}.{key}")
    return found


@pytest.mark.parametrize("name", ["example.toml", "rest.toml"])
def test_the_documents_have_the_schemas_keys(name: str) -> None:
    """Every key of the documents, at every depth, is one that the schema names.

    None that it requires is missing.
    """
    assert unknown_keys(tomllib.loads((HERE / name).read_text()), SCHEMA) == []


def test_an_unknown_key_is_not_in_the_schema() -> None:
    """The comparison can fail."""
    text = (HERE / "example.toml").read_text().replace("live = 5", "alive = 5")
    assert unknown_keys(tomllib.loads(text), SCHEMA) == [".factors.email.code.alive", ".factors.sms.code.alive"]


def test_bounds_and_words_are_in_the_schema() -> None:
    """An editor can refuse every bound and word that the reader refuses."""
    sections = SCHEMA["properties"]
    code = sections["factors"]["properties"]["email"]["properties"]["code"]["properties"]
    assert (code["digits"]["minimum"], code["digits"]["maximum"]) == (6, 10)
    assert re.search(code["ttl"]["pattern"], "10m")
    assert not re.search(code["ttl"]["pattern"], "")
    assert not re.search(code["ttl"]["pattern"], "10")
    assert sections["enrollment"]["properties"]["stage"]["enum"] == ["off", "optional", "required", "admin"]
    assert sections["rails"]["properties"]["freshness.max_age"]["properties"].keys() == {"min", "max", "only_stricter"}


def test_defaults_and_meanings_are_in_the_schema() -> None:
    """An editor shows the meaning of each key, and its default as the file writes it."""
    sections = SCHEMA["properties"]
    age = sections["freshness"]["properties"]["max_age"]
    assert (age["default"], age["description"].partition(".")[0]) == ("7d", "Age up to which a proof counts")
    assert sections["factors"]["properties"]["mask"]["default"] is True
    assert sections["roles"]["properties"]["tenant"]["default"] == ["admin"]
    assert sections["sends"]["properties"]["per_range"]["default"] == {"count": 300, "window": "1h"}
    assert "default" not in sections["audit"]["properties"]["retention"]
    assert "without quotes" in sections["exempt"]["items"]["properties"]["expires"]["description"]
    theirs = SCHEMA["properties"]["tenants"]["additionalProperties"]["properties"]
    assert "default" not in theirs["freshness"]["properties"]["max_age"]


def test_a_tenant_may_change_a_part_of_a_table() -> None:
    """A key that the file's agreement requires is optional in a tenant's, which lies over it."""
    tenant = SCHEMA["properties"]["tenants"]["additionalProperties"]["properties"]
    assert "required" in SCHEMA["properties"]["agreement"]
    assert "required" not in tenant["agreement"]
    assert "required" in tenant["exempt"]["items"]


@pytest.mark.parametrize("section", ["exempt", "exempt_subjects"])
def test_an_exemption_ends_or_is_permanent(section: str) -> None:
    """One of the two keys is needed, and ``permanent = false`` is none of them."""
    ends, permanent = SCHEMA["properties"][section]["items"]["oneOf"]
    assert ends == {"required": ["expires"]}
    assert permanent == {"required": ["permanent"], "properties": {"permanent": {"const": True}}}


def test_it_is_json() -> None:
    """The whole schema can be written as JSON."""
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
