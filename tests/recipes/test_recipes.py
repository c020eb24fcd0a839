"""Every recipe works as it stands, at the root or below a path.

With ``--long`` each works at both.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfa_gate.testing.plugin import MakesKit
from tests.pairs import in_turn
from tests.recipes.hosts import HOSTS, Host
from tests.recipes.place import at, loaded
from tests.recipes.story import tell
from tests.web.serving import ROOT


def test_the_table_names_every_recipe() -> None:
    """Each recipe stands in the table of the folder's README, with its policy and a test."""
    folder = ROOT / "example_app" / "recipes"
    rows = re.findall(
        r"^\| \[(\w+)\.py\]\(\1\.py\) \|.*\[toml\]\(\1\.toml\) \|$", (folder / "README.md").read_text(), re.M
    )
    assert set(rows) == {path.stem for path in folder.glob("*.toml")}
    gated = {path.stem for path in folder.glob("*.py") if "MFAGate(" in path.read_text()}
    assert set(rows) == gated
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    assert [name for name in rows if name not in tests] == []


@pytest.mark.parametrize(
    ("root", "host"),
    in_turn(
        [pytest.param("", id="root"), pytest.param("/app", id="below")],
        [pytest.param(host, id=host.module) for host in HOSTS],
    ),
)
def test_recipe(host: Host, root: str, mfa_gate_kit: MakesKit) -> None:
    """A person enrolls, is challenged in another browser, signs out, and is challenged anew.

    Page, stream and websocket are closed until then. The app goes on to refuse strangers itself.
    """
    recipe = loaded(f"example_app.recipes.{host.module}")
    clock = mfa_gate_kit(recipe.gate).clock
    with at(recipe.app, root) as origin:
        tell(host, origin, root, clock.now, lambda: clock.now() + 30)
