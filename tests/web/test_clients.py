"""Clients that are generated from the OpenAPI document are fully typed (D-19, V-12)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from mfa_gate.web.api import table
from mfa_gate.web.openapi import document
from tests.harness import Reply, make_world, running
from tests.web import answers

CLIENTS = Path(__file__).parent / "clients"
TOOLS = Path(sys.prefix) / "clients"
"""Where npm's packages are kept between runs, beside Python's own."""


def run(*command: str, folder: Path) -> None:
    """Run a command that must go well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_a_typescript_client(tmp_path: Path) -> None:
    """A TypeScript program that walks from state to proof passes ``tsc --strict``.

    openapi-typescript makes its types.
    """
    wanted = (CLIENTS / "package.json").read_text()
    TOOLS.mkdir(exist_ok=True)
    if not (TOOLS / "node_modules" / ".bin" / "tsc").exists() or (TOOLS / "package.json").read_text() != wanted:
        (TOOLS / "package.json").write_text(wanted)
        run("npm", "install", "--no-audit", "--no-fund", "--silent", folder=TOOLS)
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    (tmp_path / "openapi.json").write_text(json.dumps(document("/mfa")))
    shutil.copy(CLIENTS / "walk.ts", tmp_path)
    tools = TOOLS / "node_modules" / ".bin"
    run(str(tools / "openapi-typescript"), "openapi.json", "-o", "schema.d.ts", folder=tmp_path)
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    run(str(tools / "tsc"), *options, "--lib", "es2022,dom", "walk.ts", folder=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("checked", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_python_client(tmp_path: Path, checked: bool) -> None:
    """openapi-python-client makes a package without a warning.

    A Python program that walks with it from state to proof passes ``mypy --strict``, with ``--long``.
    """
    (tmp_path / "openapi.json").write_text(json.dumps(document("/mfa")))
    made = ("generate", "--path", "openapi.json", "--output-path", "mfa_client", "--meta", "none", "--fail-on-warning")
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    run(sys.executable, "-m", "openapi_python_client", *made, "--config", "config.yml", folder=tmp_path)
    shutil.copy(CLIENTS / "walk.py.txt", tmp_path / "walk.py")
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    if checked:
        run(sys.executable, "-m", "mypy", "--strict", "--config-file", "mypy.ini", "walk.py", folder=tmp_path)


def test_every_call_is_described() -> None:
    """Each call has an id of its own, a sentence, and schemas with members.

    The schemas are of its body and of its answer.
    """
    made = document("/mfa")
    calls = [call for path in made["paths"].values() for call in path.values()]
    ids = [call["operationId"] for call in calls]
    assert (
        len(set(ids))
        == len(ids)
        == sum(
            len(found)
            for rows in (table.CALLS, table.ONE_OF, table.ON_ACCOUNT, table.ON_PART)
            for found in rows.values()
        )
    )
    for call in calls:
        assert call["operationId"].isalpha()
        assert call["summary"].endswith(".")
        assert "`" not in call["summary"]
        good = [answer for status, answer in call["responses"].items() if status != "default"]
        assert good
        assert all(answer.get("content") for answer in good) or "204" in call["responses"]
    for name, schema in made["components"]["schemas"].items():
        assert name == "Sign" or schema["properties"], name
        assert name == "Problem" or f'schemas/{name}"' in json.dumps(made), name
    assert set(made["components"]["securitySchemes"]) == {"session", "bearer", "proof"}
    for schema in made["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


async def test_an_answer_that_is_not_described_is_found() -> None:
    """The check that all JSON tests go through finds a wrong answer.

    Wrong are: a member too many, one too few, another type.
    """
    async with running(make_world()) as world:
        ann = await world.browser()
        good = await ann.api("GET", "state")
        found = good.json()
        for wrong in (
            {**found, "more": 1},
            {k: v for k, v in found.items() if k != "state"},
            {**found, "skippable": 0},
        ):
            reply = Reply(status=200, headers=good.headers, body=json.dumps(wrong).encode())
            with pytest.raises(AssertionError):
                answers.check("GET", "state", reply)
