"""The package's own files are found at every place of the package.

Pages may ask for any version of them.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.web import resources
from mfa_gate.web.assets import asset_name
from mfa_gate.web.render import Renderer
from mfa_gate.web.theme import brand_css
from tests.harness import call, http_scope, make_world

SCRIPT = """
import asyncio, sys
import mfa_gate
assert ".zip" in mfa_gate.__file__, mfa_gate.__file__
from mfa_gate.errors import SettingsError
from mfa_gate.web import resources
from mfa_gate.web.assets import asset_name, static_asset
from mfa_gate.web.i18n import available, translator
from mfa_gate.web.render import Renderer
assert static_asset(asset_name("mfa.css")).content
assert {"de", "ar"} <= set(available()), available()
assert translator("de").gettext("Sign out") != "Sign out"
from mfa_gate.web.message_forms import is_message
environment = Renderer().environment("en")
for name in environment.list_templates():
    if not is_message(name):
        environment.get_template(name)
from tests.harness import PAGE, call, http_scope, make_world

async def main():
    world = make_world()
    ann = await world.browser()
    reply = await ann.page("/mfa/enroll")
    assert reply.status == 200, reply.status
    assert b"<h1" in reply.body

asyncio.run(main())
print("whole", len(environment.list_templates()))
"""


def test_from_a_zip(root: Path, tmp_path: Path) -> None:
    """A package that was never unpacked serves pages, catalogues and style sheets.

    Requirement V-46.
    """
    package = tmp_path / "package.zip"
    with zipfile.ZipFile(package, "w") as made:
        for path in (root / "src" / "mfa_gate").rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                made.write(path, path.relative_to(root / "src"))
                compiled = Path(importlib.util.cache_from_source(str(path)))
                if path.suffix == ".py" and compiled.exists():  # to compile all of it takes seconds
                    made.write(compiled, path.relative_to(root / "src").with_suffix(".pyc"))
    script = f"import sys; sys.path[:0] = [{str(package)!r}, {str(root)!r}]\n{SCRIPT}"
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ran.stdout.startswith("whole"), ran.stderr
    shipped = [*(root / "src/mfa_gate").rglob("*.html"), *(root / "src/mfa_gate/web/templates").rglob("*.txt")]
    assert int(ran.stdout.split()[1]) == len(shipped)


@pytest.mark.parametrize("plain", ["mfa.css", "mfa.js"])
async def test_a_name_of_another_version(plain: str) -> None:
    """An unknown hash of a known name gets the present file, which nobody keeps.

    The file under its right name is kept. Requirement V-45.
    """
    world = make_world()
    name = asset_name(plain)
    stem, _, end = plain.rpartition(".")
    right = await call(world.app, http_scope("GET", f"/mfa/static/{name}"))
    other = await call(world.app, http_scope("GET", f"/mfa/static/{stem}.0123456789ab.{end}"))
    assert (right.status, other.status) == (200, 200)
    assert other.body == right.body
    assert b"immutable" in dict(right.messages[0]["headers"])[b"cache-control"]
    assert dict(other.messages[0]["headers"])[b"cache-control"] == b"no-store"


@pytest.mark.parametrize(
    "name",
    ["other.0123456789ab.css", "mfa.0123456789ab.svg", "mfa.css", "mfa.012.css", "brand.123456.0123456789ab.css"],
)
async def test_what_is_not_known_is_not_found(name: str) -> None:
    """A file that is not shipped, a name without a hash, and a color of no tenant are 404."""
    reply = await call(make_world().app, http_scope("GET", f"/mfa/static/{name}"))
    assert reply.status == 404


async def test_the_colors_of_another_version() -> None:
    """The present style sheet answers for that of another version, and nobody keeps it."""
    world = make_world()
    reply = await call(world.app, http_scope("GET", "/mfa/static/brand.0123456789ab.css"))
    assert (reply.status, reply.body) == (200, brand_css(world.gate.service.engine.policy.base.brand))
    assert dict(reply.headers)[b"cache-control"] == b"no-store"


@pytest.mark.parametrize("missing", resources.FOLDERS)
def test_a_package_without_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """The start says what is missing and what to do."""
    for name in resources.FOLDERS:
        if name != missing:
            (tmp_path / name).mkdir()
    monkeypatch.setattr(resources, "files", lambda room: tmp_path)
    with pytest.raises(SettingsError, match=f"without its folder mfa_gate/web/{missing}: install the package again"):
        Renderer()
