"""Check that the READMEs are true.

Checked are tables, examples, commands, links, and the places in the code that they name.
"""

from __future__ import annotations

import argparse
import inspect
import re
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mfa_gate import MFAGate, RelyingParty, Subject
from mfa_gate.cli import parser
from mfa_gate.core.events import KINDS
from mfa_gate.core.reasons import REASONS
from mfa_gate.keyring import make_key
from mfa_gate.policyfile import load_policy
from mfa_gate.testing import FixedClock, Kit
from tests.attacks.ways import REQUIREMENT, WAYS, holding, ways_table
from tests.factors.softkey import SoftKey

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "mfa_gate"
README = "README.md"
ARCHITECTURE = "src/mfa_gate/README.md"
TABLES = "src/mfa_gate/service/README.md"
KIT = "src/mfa_gate/testing/README.md"
WEB = "src/mfa_gate/web/README.md"
ATTACKS = "tests/attacks/README.md"
FOLDERS = ("src", "example_app", "tests")
PAGES = [
    README,
    "CHANGELOG.md",
    *sorted(str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob(README)),
]
FIRST_HOUR = 250
"""Lines that somebody reads in the first hour."""


def reasons_table() -> str:
    """The table of reasons, as the README has to show it."""
    rows = [f"| `{row.word}` | {row.status} | {row.title} |" for row in REASONS.values()]
    return "\n".join(["| reason | status | title |", "|---|---|---|", *rows])


def events_table() -> str:
    """The table of events."""
    rows = [f"| `{kind}` | {text} |" for kind, text in KINDS.items()]
    return "\n".join(["| kind | what happened |", "|---|---|", *rows])


def gate_reference() -> str:
    """The arguments of ``MFAGate`` with types and defaults, and its docstring."""
    rows = ["| argument | type | default |", "|---|---|---|"]
    for name, one in inspect.signature(MFAGate).parameters.items():
        kind = str(one.annotation).replace("|", "or").replace("os.PathLike[str]", "path")
        rows.append(f"| `{name}` | `{kind}` | {default_of(one)} |")
    about = dedent("    " + (MFAGate.__doc__ or "")).strip().replace("``", "`")
    return "\n".join([*rows, "", about])


def default_of(one: inspect.Parameter) -> str:
    """The default of an argument, as a reader writes it."""
    if one.default is inspect.Parameter.empty:
        return "must be given"
    return "`secrets.token_bytes`" if one.name == "entropy" else f"`{one.default!r}`"


def written(text: str, tables: dict[str, Callable[[], str]]) -> str:
    """The README with its tables made anew."""
    for name, table in ((name, make()) for name, make in tables.items()):
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(start, 1)
        text = f"{before}{start}\n{table}\n\n{end}{rest.split(end, 1)[1]}"
    return text


MADE: dict[str, dict[str, Callable[[], str]]] = {
    TABLES: {"reasons": reasons_table, "events": events_table},
    ARCHITECTURE: {"MFAGate": gate_reference},
    ATTACKS: {"ways": ways_table},
}
"""The parts of pages that are made from the code."""


@pytest.mark.parametrize("page", MADE)
def test_tables(root: Path, page: str) -> None:
    """The tables, and the reference of ``MFAGate``, are those of the code.

    Make them anew: python tests/test_readme.py.
    """
    text = (root / page).read_text()
    assert written(text, MADE[page]) == text


def test_each_way_round_is_held() -> None:
    """A test names each requirement by which a known way round is closed."""
    tests = holding()
    named = {id: way.way for ways in WAYS.values() for way in ways for id in way.requirements.split()}
    assert {id: way for id, way in named.items() if not REQUIREMENT.fullmatch(id) or not tests.get(id)} == {}


def test_every_argument_is_explained() -> None:
    """The docstring of ``MFAGate`` names each argument, and no other.

    Requirement V-21.
    """
    named = set(re.findall(r"``(\w+)``", MFAGate.__doc__ or ""))
    assert set(inspect.signature(MFAGate).parameters) - named == set()


def block(root: Path, mark: str, page: str = README) -> str:
    """The example that begins with this mark."""
    found = re.search(rf"```{mark}\n(.*?)```", (root / page).read_text(), re.S)
    assert found is not None
    return found[1]


async def home(request: Request) -> PlainTextResponse:
    """A page of the app that has the gate."""
    return PlainTextResponse("the app")


async def login(request: Request) -> PlainTextResponse:
    """The app's own sign-in: as the form says, or as the one user."""
    form = await request.form()
    request.session["user_id"] = form.get("user", "u1")
    return PlainTextResponse("signed in")


def mounted(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *, paths: tuple[str, ...], framework: str = "starlette"
) -> dict[str, Any]:
    """Run the README's five lines, and return the names that they make.

    The app has a sign-in and pages at ``paths``.
    """
    (folder / "policy.toml").write_text(block(root, "toml policy"))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MFA_GATE_KEY", make_key(secrets.token_bytes(32)))
    monkeypatch.setenv("SESSION_SECRET", secrets.token_hex(16))
    code = block(root, "python starlette")
    if framework == "fastapi":
        code = code.replace("Starlette(routes=routes)", "FastAPI(routes=routes)")
        code = code.replace("from starlette.applications import Starlette", "from fastapi import FastAPI")
    routes = [Route("/login", login, methods=["GET", "POST"]), *(Route(path, home) for path in paths)]
    names: dict[str, Any] = {"routes": routes}
    exec(code, names)
    return names


@pytest.mark.parametrize("framework", ["starlette", "fastapi"])
def test_five_lines(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, framework: str) -> None:
    """The lines of the README mount a gate as they are written, in Starlette and in FastAPI.

    Requirement D-1.
    """
    names = mounted(root, tmp_path, monkeypatch, paths=("/",), framework=framework)
    with TestClient(names["app"], base_url="https://app.example", client=("192.0.2.1", 1)) as client:
        assert client.get("/").text == "the app"
        assert client.get("/login").text == "signed in"
        answer = client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/mfa/enroll")


def test_testing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mfa_gate_kit: Callable[[MFAGate], Kit]
) -> None:
    """The README's test of an app passes on the README's app."""
    names = mounted(root, tmp_path, monkeypatch, paths=("/export",))
    monkeypatch.setitem(sys.modules, "app", SimpleNamespace(app=names["app"], gate=names["gate"]))
    exec(block(root, "python testing"), names)
    names["test_export"](mfa_gate_kit)


def test_kit(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mfa_gate_kit: Callable[[MFAGate], Kit]
) -> None:
    """The kit's README leads a code from the challenge to the app."""
    names = mounted(root, tmp_path, monkeypatch, paths=("/export",))
    kit = mfa_gate_kit(names["gate"])
    with TestClient(names["app"], base_url="https://app.example", client=("192.0.2.1", 1)) as client:
        exec(block(root, "python kit", KIT), {"kit": kit, "client": client, "Subject": Subject})


def test_json_walk(root: Path, tmp_path: Path) -> None:
    """The README's client without cookies is refused, enrolls, and is let in.

    It proves anew after seven days.
    """

    async def who(connection: HTTPConnection) -> Subject | None:
        return Subject("u1") if connection.headers.get("authorization") == "Bearer t" else None

    (tmp_path / "policy.toml").write_text(block(root, "toml policy"))
    clock = FixedClock()
    gate = MFAGate(
        policy=tmp_path / "policy.toml",
        identify=who,
        store="memory://",
        keys=[make_key(secrets.token_bytes(32))],
        relying_party=RelyingParty(id="app.example", name="App", origins=["https://app.example"]),
        clock=clock,
    )
    app = Starlette(routes=[Route("/api/me", home)])
    gate.install(app)
    first, later = block(root, "python json", WEB).split("# Seven days later")
    with TestClient(app, base_url="https://app.example", client=("192.0.2.1", 1)) as client:
        names: dict[str, Any] = {"client": client, "token": "t", "code_of": lambda secret: _code(secret, clock.now())}
        names["passkey"] = SoftKey()
        exec(first, names)
        assert names["refused"].status_code == 401
        assert "insufficient_user_authentication" in names["refused"].headers["www-authenticate"]
        assert names["welcome"].text == "the app"
        clock.advance(7 * 86_400 + 60)
        exec("#" + later, names)
        assert names["state"]["reason"] == "expired"
        assert names["proven"]["state"] == "verified"
        assert len(names["save"]) == 10
        assert len(names["here"]) == 1
        assert client.get("/api/me", headers=names["headers"]).text == "the app"


def _code(secret: str, now: float) -> str:
    return pyotp.TOTP(secret).at(int(now))


def test_first_hour(root: Path) -> None:
    """The first page stays short enough for the first hour."""
    assert len((root / README).read_text().splitlines()) <= FIRST_HOUR


# -- links, places and commands ------------------------------------------------------------------------------------


def prose(page: str) -> str:
    """A page without its examples."""
    return re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)


def anchors(path: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str) -> None:
    """Every link between pages leads to a file or folder that exists, and to a heading in it."""
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (ROOT / page).parent / place if place else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            wrong.append(target)
    assert wrong == []


def test_one_link_away() -> None:
    """The first page leads to every other page directly.

    A link to a folder leads to the page in it.
    """
    targets = [ROOT / target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose(README))]
    linked = {str((path / README if path.is_dir() else path).relative_to(ROOT)) for path in targets}
    assert set(PAGES) - {README} - linked == set()


@pytest.mark.parametrize("page", PAGES)
def test_places_in_the_code(page: str) -> None:
    """A file or folder that a page names exists.

    So does a function or class that it names beside its file.
    """
    text = prose(page)
    names = set(
        re.findall(r"`((?:core|factors|policyfile|identity|service|stores|senders|web|cli|testing)/[\w/.-]*)`", text)
    )
    gone = [name for name in names if not (PACKAGE / name).exists() and not (PACKAGE / f"{name}.py").exists()]
    assert gone == []
    defined = re.findall(r"`(\w+)` in `([\w/]+\.py)`", text)
    gone = [f"{name} in {file}" for name, file in defined if not _defines((PACKAGE / file).read_text(), name)]
    assert gone == []


def _defines(source: str, name: str) -> bool:
    return re.search(rf"^\s*(?:(?:async )?def|class) {name}\b|^{name}\b.*=", source, re.M) is not None


def test_places_are_named() -> None:
    """The architecture names places at all: the check above is not empty."""
    assert len(re.findall(r"`\w+` in `[\w/]+\.py`", prose(ARCHITECTURE))) > 5


def _commands() -> set[str]:
    """Every command of ``mfa-gate``, with its subcommands."""
    found: set[str] = set()

    def collect(above: str, at: argparse.ArgumentParser) -> None:
        for action in at._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, below in action.choices.items():
                    found.add(f"{above}{name}")
                    collect(f"{above}{name} ", below)

    collect("", parser())
    return found


@pytest.mark.parametrize("page", PAGES)
def test_commands(page: str) -> None:
    """Every command that a page names is one."""
    known = _commands()
    groups = {name for name in known if any(other.startswith(f"{name} ") for other in known)}
    wrong = []
    for line in re.findall(r"mfa-gate ((?:[a-z][a-z-]*(?: |\b(?![.:/=])))+)", (ROOT / page).read_text()):
        words = line.split()
        name = words[0]
        for word in words[1:]:
            if name in groups:
                name = f"{name} {word}"
        if name not in known:
            wrong.append(name)
    assert wrong == []


def examples(language: str) -> list[object]:
    """The examples in a language, as parameters of a test that are named by their place."""
    found: list[object] = []
    for page in PAGES:
        for number, text in enumerate(re.findall(rf"```{language}[^\n]*\n(.*?)```", (ROOT / page).read_text(), re.S)):
            found.append(pytest.param(dedent(text), id=f"{page}:{number}"))
    return found


@pytest.mark.parametrize("text", examples("toml"))
def test_policy_examples(text: str, tmp_path: Path) -> None:
    """Every example of a policy is one, with the two keys that every policy has."""
    name = tomllib.loads(text).get("name", "app")
    head = "" if "version" in tomllib.loads(text) else 'version = 1\nname = "app"\n'
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (tmp_path / "policy.toml").write_text(head + text)
    assert load_policy(tmp_path / "policy.toml").name == name


@pytest.mark.parametrize("text", examples("python"))
def test_python_examples(text: str) -> None:
    """Python can read every example in Python.

    An ellipsis stands for the parts that the reader fills in.
    """
    compile(text.replace("(…)", "(...)"), README, "exec")


def test_examples_of_proxies_are_single_addresses() -> None:
    """An example of proxies names the proxies alone, as examples are copied.

    Anybody in a network could choose an address. Requirement V-28.
    """
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "example_app").rglob("*.py"), *(ROOT / page for page in PAGES)]
    wide = []
    for path in sources:
        for line in path.read_text().splitlines():
            if re.search(r"(trusted_proxies|from_|forwarded-allow-ips|list of networks|no network)\W", line) and (
                re.search(r"\d/\d", line)
            ):
                wide.append(f"{path.relative_to(ROOT)}: {line.strip()}")
    assert wide == []


def test_import_is_light(root: Path) -> None:
    """Importing the package loads no parts that a first use may never need (D-21)."""
    script = "import sys; from mfa_gate import MFAGate; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["webauthn", "phonenumbers", "redis", "segno", "jinja2", "cryptography", "pyotp", "httpx2", "aiosmtplib"]
    ran = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


if __name__ == "__main__":
    for name, tables in MADE.items():
        place = ROOT / name
        place.write_text(written(place.read_text(), tables))
