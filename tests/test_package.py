"""The package that is built is the one that is promised: contents, metadata, recipes."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import mfa_gate

FOLDERS = {"src", "tests", "example_app"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as a release builds it, from a copy of its own files."""
    root, folder = Path(__file__).resolve().parent.parent, tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """The wheel's metadata."""
    with zipfile.ZipFile(wheel) as opened:
        [place] = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(opened.read(place))


def project(root: Path) -> dict[str, Any]:
    """The table of ``pyproject.toml``."""
    found: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return found


def test_the_wheel_has_all_of_the_package_and_nothing_else(root: Path, names: set[str]) -> None:
    """The wheel has modules, templates, catalogues, static files and types.

    Tests, caches and leftovers are not in it.
    """
    package = root / "src" / "mfa_gate"
    source = {
        str(path.relative_to(root / "src"))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in names if not re.match(r"mfa_gate-[\d.]+\.dist-info/", name)}
    assert inside == source
    for kind in (
        "py.typed",
        "web/templates/challenge.html",
        "web/static/mfa.js",
        "testing/plugin.py",
        "testing/README.md",
    ):
        assert f"mfa_gate/{kind}" in inside
    assert any(name.endswith((".mo", ".po")) for name in inside)
    assert not {name for name in inside if re.search(r"\.(pyc|db|orig|rej|swp)$|/\.", name)}


def test_the_metadata(root: Path, metadata: Message) -> None:
    """V-34: author, licence, addresses, extras, and the README as the long text."""
    assert metadata["Author"] == "The mfa_gate authors"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Version"] == project(root)["version"] == mfa_gate.__version__
    assert {text.partition(",")[0] for text in metadata.get_all("Project-URL", [])} >= {
        "Source",
        "Changelog",
        "Security",
    }
    assert {"sms", "push", "otel"} <= set(metadata.get_all("Provides-Extra", []))
    assert str(metadata.get_payload()).startswith("# mfa_gate")


def test_the_pythons_that_are_named_are_tested(root: Path) -> None:
    """A Python is in the classifiers exactly if the tests run on it."""
    named = {text.rpartition(" ")[2] for text in project(root)["classifiers"] if re.search(r"Python :: 3\.\d+$", text)}
    matrix = re.search(r"python: \[(.*)\]", (root / ".github/workflows/test.yml").read_text())
    assert matrix is not None
    assert set(re.findall(r'"([\d.]+)"', matrix[1])) == named
    assert f">={min(named)}" == project(root)["requires-python"]


def test_no_limit_holds_a_dependency_back(root: Path) -> None:
    """Only Starlette's next major version is kept out.

    The newest of every dependency is tried each night.
    """
    extras = {name: needs for name, needs in project(root)["optional-dependencies"].items() if name != "test"}
    needs = [*project(root)["dependencies"], *(need for extra in extras.values() for need in extra)]
    assert [need for need in needs if re.search("[<~]|==", need)] == ["starlette>=0.44,<2"]
    recipe = (root / ".github/workflows/test.yml").read_text()
    assert re.search(r"\n  schedule:\n    - cron: ", recipe)
    assert "python3 tests/run.py --matrix" in recipe


def test_the_first_screen_says_how_to_install(root: Path) -> None:
    """The first screen of the README has the install command, and its extras exist.

    Requirements V-21, V-34.
    """
    top = "\n".join((root / "README.md").read_text().splitlines()[:25])
    assert 'pip install "mfa-gate[sms,push]"' in top
    for extra in re.findall(r"the extra `(\w+)`", (root / "README.md").read_text(), re.I):
        assert extra in project(root)["optional-dependencies"]


def test_nothing_else_lies_at_the_top(root: Path) -> None:
    """The project has three folders, besides those whose name begins with a dot."""
    ignored = set((root / ".gitignore").read_text().replace("/", "").split()) | {"__pycache__"}
    tops = {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert tops - ignored == FOLDERS


def test_the_release_recipe(root: Path) -> None:
    """The release recipe has trusted publishing, attestations and the list of parts.

    No password is read from anywhere.
    """
    text = (root / ".github/workflows/release.yml").read_text()
    for part in ("id-token: write", "attest-build-provenance", "attest-sbom", "gh-action-pypi-publish", "cyclonedx-py"):
        assert part in text
    assert "secrets." not in text
    assert "password" not in text.replace("no password is stored", "")


@pytest.mark.parametrize("page", [".github/SECURITY.md", ".github/CONTRIBUTING.md"])
def test_the_pages_beside_the_recipe(root: Path, page: str) -> None:
    """Their links lead to something that is there."""
    text = (root / page).read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        assert ((root / page).parent / target.partition("#")[0]).exists(), target


def test_the_samples_name_what_is_there(root: Path) -> None:
    """The image copies only files of the checkout, and no sample runs as root.

    Both start the example app. Requirement V-39.
    """
    text = (root / "example_app/Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", text, re.M) for name in line.split()]
    assert "src" in copied
    assert all((root / name).exists() for name in copied)
    assert re.search(r"^USER (?!root)\w+$", text, re.M)
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(root / "example_app/mfa-gate-example.service")
    assert unit["Service"]["DynamicUser"] == "yes"
    assert "-m example_app" in unit["Service"]["ExecStart"]
    assert '"-m", "example_app"' in text
