"""A missing folder of templates, or one with unknown names, stops the start.

V-30.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.web.render import Renderer
from tests.good_start import faults_of
from tests.web.gallery import pages

PAGE = '{% extends "base.html" %}{% block title %}Ours{% endblock %}{% block card %}<h1>Mine</h1>{% endblock %}'


def fault_of(folder: object) -> tuple[str, ...]:
    """Start with this folder, and return the faults."""
    return faults_of(templates=folder)


def made(tmp_path: Path, files: dict[str, str | bytes]) -> Path:
    """Write the files."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def test_a_folder_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault names the value, the whole path and where a relative one begins."""
    monkeypatch.chdir(tmp_path)
    (fault,) = fault_of("tmplates")
    assert fault.startswith(f"templates='tmplates': {tmp_path}/tmplates does not exist; give a folder")
    assert "begins in the working directory" in fault
    (tmp_path / "one.html").write_text(PAGE)
    (fault,) = fault_of(tmp_path / "one.html")
    assert "is a file; give a folder" in fault
    assert "must be the path of a folder" in fault_of(5)[0]


WRONG: dict[str, tuple[dict[str, str | bytes], str]] = {
    "a misspelled name": (
        {"chalenge.html": PAGE},
        "chalenge.html replaces no template, and none of yours includes it; ",
    ),
    "the nearest one is named": ({"chalenge.html": PAGE}, "did you mean 'challenge.html'?"),
    "another case": (
        {"Locked.html": PAGE},
        "Locked.html replaces no template, and none of yours includes it; did you mean",
    ),
    "below a folder": ({"mfa/locked.html": PAGE}, "mfa/locked.html replaces no template"),
    "a factor that is not known": ({"factors/fax.html": PAGE}, "factors/fax.html replaces no template"),
    "another ending": (
        {"locked.jinja": PAGE, "fault.html": PAGE},
        "locked.jinja replaces no template, and none of yours includes it; did you mean 'locked.html'?",
    ),
    "none at all": ({"README.md": "Templates go here"}, "the folder has no template"),
    "a block that no page has": (
        {"locked.html": '{% extends "base.html" %}\n{% block contnt %}{% endblock %}'},
        "locked.html, line 2: base.html has no block 'contnt'; it has body_class, card, footer, head, header, main, title",
    ),
    "a misspelled block": (
        {"locked.html": '{% extends "base.html" %}{% block titel %}x{% endblock %}'},
        "base.html has no block 'titel'; did you mean 'title'?",
    ),
    "a block of its own parent": (
        {
            "_mine.html": '{% extends "base.html" %}{% block card %}{% block words %}{% endblock %}{% endblock %}',
            "locked.html": '{% extends "_mine.html" %}{% block wrods %}x{% endblock %}',
        },
        "_mine.html has no block 'wrods'; did you mean 'words'?",
    ),
    "itself": ({"locked.html": '{% extends "locked.html" %}'}, "locked.html extends itself; extend base.html"),
    "a parent that is not there": (
        {"locked.html": '{% extends "bse.html" %}'},
        "locked.html names the template 'bse.html', which does not exist; did you mean 'base.html'?",
    ),
    "a part that is not there": (
        {"locked.html": '{% extends "base.html" %}{% block card %}{% include "_logo.html" %}{% endblock %}'},
        "locked.html names the template '_logo.html', which does not exist",
    ),
    "our own name for it": (
        {"locked.html": '{% extends "mfa_gate/locked.html" %}{% block titel %}x{% endblock %}'},
        "mfa_gate/locked.html has no block 'titel'; did you mean 'title'?",
    ),
    "none of ours by that name": (
        {"locked.html": '{% extends "mfa_gate/loked.html" %}'},
        "names the template 'mfa_gate/loked.html', which does not exist; did you mean 'mfa_gate/locked.html'?",
    ),
    "a value that the page has not": (
        {"locked.html": '{% extends "base.html" %}{% block card %}\n{{ view.refrence }}{% endblock %}'},
        "locked.html, line 2: view has no 'refrence'; it has ",
    ),
    "a misspelled value": (
        {"locked.html": "{{ frame.brnd_name }}"},
        "frame has no 'brnd_name'; did you mean 'brand_name'?",
    ),
    "a value of a frame in a part": (
        {"locked.html": '{% include "_a.html" %}', "_a.html": "{{ frame.accent_color }}"},
        "_a.html, line 1: frame has no 'accent_color'",
    ),
    "another version": (
        {"locked.html": "{# mfa_gate templates 0 #}<p>"},
        "locked.html was written for version 0 of the templates, and this is version 1; the changelog",
    ),
    "broken": ({"locked.html": "<p>\n{% if %}"}, "locked.html, line 2: Expected an expression"),
    "an unknown filter": ({"locked.html": "{{ view.ref|shout }}"}, "locked.html, line 1: No filter named 'shout'"),
    "no UTF-8": ({"locked.html": b"\xff\xfe<p>"}, "locked.html cannot be read as UTF-8"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_nothing_shows(name: str, tmp_path: Path) -> None:
    """Each is one fault with the file, its line where there is one, and the nearest name."""
    files, words = WRONG[name]
    (fault,) = fault_of(made(tmp_path, files))
    assert fault.startswith(f"templates={str(tmp_path)!r}: ")
    assert words in fault


def test_a_wrong_folder_is_not_told_file_by_file(tmp_path: Path) -> None:
    """The app's own folder holds many other templates."""
    faults = fault_of(made(tmp_path, {f"page{number}.html": "<p>" for number in range(20)}))
    assert len(faults) == 6
    assert "15 more files replace no template; give the gate a folder of its own" in faults[-1]


RIGHT: dict[str, dict[str, str | bytes]] = {
    "a page": {"locked.html": PAGE},
    "a page of the desk, and a factor's": {
        "admin/accounts.html": PAGE,
        "factors/totp.html": "{% macro field() %}{% endmacro %}",
    },
    "parts of its own": {
        "locked.html": '{% extends "_mine.html" %}{% block words %}{% include "parts/logo.html" %}{% endblock %}',
        "_mine.html": '{% extends "base.html" %}{% block card %}{% block words %}{% endblock %}{% endblock %}',
        "parts/logo.html": "<p>",
    },
    "a part that may be missing": {
        "locked.html": '{% extends "base.html" %}{% block card %}{% include "no.html" ignore missing %}{% endblock %}'
    },
    "a part whose name is computed": {
        "locked.html": '{% extends "base.html" %}{% block card %}{% include frame.lang ~ ".html" %}{% endblock %}',
        "de.html": "<p>",
    },
    "ours, with more around it": {
        "base.html": '{% extends "mfa_gate/base.html" %}{% block footer %}{{ super() }}<p>Imprint</p>{% endblock %}'
    },
    "its version, and its values": {
        "locked.html": "{# mfa_gate templates 1 #}{{ view.ref }}{{ frame.dir }}{{ frame.problem('code') }}"
    },
    "a name of its own": {"locked.html": "{% set view = frame.brand %}{{ view.accent }}"},
    "a base of its own": {"base.html": "{% block title %}{% endblock %}{% block card %}{% endblock %}"},
    "other files": {"locked.html": PAGE, ".DS_Store": b"\0", "notes.txt": "x", ".git/a.html": "x"},
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_starts(name: str, tmp_path: Path) -> None:
    """Pages by our names, parts that they use and other files are no faults."""
    assert fault_of(made(tmp_path, RIGHT[name])) == ()


@pytest.mark.parametrize("given", [None, "", Path("own"), "own", b"own"])
def test_forms_of_the_path(given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text and a path are taken; nothing given is no folder."""
    monkeypatch.chdir(made(tmp_path, {"own/locked.html": PAGE}))
    assert bool(fault_of(given)) is isinstance(given, bytes)


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that this user may not read is a fault, too."""
    path = made(tmp_path, {"locked.html": PAGE}) / "locked.html"
    path.chmod(0)
    if os.geteuid() == 0:
        path.unlink()
        path.symlink_to(tmp_path / "gone.html")
        assert "has no template" in fault_of(tmp_path)[0]
    else:
        assert "cannot be read" in fault_of(tmp_path)[0]


def test_a_header_and_a_footer_for_every_page(tmp_path: Path) -> None:
    """One file puts a header and a footer around all pages, ours with them."""
    text = (
        '{% extends "mfa_gate/base.html" %}'
        '{% block header %}<header class="brand"><p>Northwind</p></header>{% endblock %}'
        '{% block footer %}{{ super() }}<p><a href="/imprint">Imprint</a></p>{% endblock %}'
    )
    renderer = Renderer(templates=made(tmp_path, {"base.html": text}))
    for _name, view, frame in pages():
        if view.template == "framed.html":  # nothing but a link, for a frame of any size
            continue
        page = renderer.render(view, frame).decode()
        assert '<header class="brand"><p>Northwind</p></header>' in page
        assert page.index("</footer>") < page.index("/imprint")
        assert "brand-name" not in page
