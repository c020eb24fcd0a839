"""Faults are told all at once, each with file, line, key, reason and a way out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.policyfile import load_policy, parse_policy
from mfa_gate.policyfile.lines import Path as Key
from mfa_gate.policyfile.lines import lines_of

from .kinds import HERE, told


def test_all_faults_come_together() -> None:
    """One run tells every fault, in the order of the lines."""
    text = """version = 1
nam = "x"
[factors.email]
code = { tll = "10m", digits = 3 }
[enrollment]
stage = "requird"
[tenants.clinic.attempts]
max = "7"
"""
    with pytest.raises(SettingsError) as raised:
        parse_policy(text, base=HERE, source="p.toml")
    assert raised.value.faults == (
        "p.toml:1: name: it is missing; give the policy one, it stands in every event",
        'p.toml:2: nam: unknown key; did you mean "name"?',
        'p.toml:4: factors.email.code.tll: unknown key; did you mean "ttl"?',
        "p.toml:4: factors.email.code.digits: 3 is out of bounds: it must be between 6 and 10",
        'p.toml:6: enrollment.stage: "requird" is not one of "off", "optional", "required", "admin"; '
        'did you mean "required"?',
        'p.toml:8: tenants.clinic.attempts.max: "7" is not a whole number',
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[factors]\nmode = 'enforce'", "it belongs at the top of the file, above the first [section]"),
        ("[enrollment]\nmax_age = '7d'", "it belongs in freshness.max_age"),
        (
            "[enrollment]\ndigits = 6",
            "it belongs in factors.push.digits or factors.totp.digits or factors.sms.code.digits\n",
        ),
        ("[factor]\nmask = true", 'did you mean "factors"?'),
        ("[smtp]\npassword = 'x'", "unknown key; known here: version, name"),
        (
            "[factors.webauthn]\nxyzzy = 1",
            "unknown key; known here: user_verification, resident_key, attachment, prompt, hints",
        ),
        ("[tenants.a]\ntests = []", "it belongs at the top of the file"),
    ],
)
def test_a_misplaced_key_is_sent_where_it_belongs(text: str, said: str) -> None:
    """A key that is known elsewhere, misspelled or unheard of is told apart (P-2)."""
    (line,) = told(text)
    assert said in f"{line}\n"


def test_a_stray_secret_is_not_repeated() -> None:
    """A password that has no place in the file (P-10) does not reach the log by a fault."""
    assert not any("hunter2" in line for line in told("[smtp]\npassword = 'hunter2'\n[factors]\npassword = 'hunter2'"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version = 1\nname = \n", "p.toml:2: not TOML: invalid value (column 8)"),
        ("version = 1\nname = 'x'\n[a]\n[a]\n", "p.toml:4: not TOML: cannot declare ('a',) twice (column 3)"),
        ('version = 1\nname = """x\n', "p.toml:3: not TOML: unterminated string (at the end of the file)"),
    ],
)
def test_toml_errors_have_the_same_form(text: str, fault: str) -> None:
    """A text that is no TOML is told with its line, like every other fault."""
    with pytest.raises(SettingsError) as raised:
        parse_policy(text, base=HERE, source="p.toml")
    assert raised.value.faults == (fault,)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing, undecodable or far too large file is a settings error, not a traceback."""
    latin, large = tmp_path / "latin.toml", tmp_path / "large.toml"
    latin.write_bytes(b'version = 1\nname = "caf\xe9"\n')
    large.write_bytes(b"#" * (1024 * 1024 + 1))
    for path, said in (
        (tmp_path / "none.toml", "no such file"),
        (latin, "latin.toml:2: it is not UTF-8"),
        (large, "larger than 1024 KiB"),
    ):
        with pytest.raises(SettingsError, match=said):
            load_policy(path)


def test_a_mark_at_the_start_is_no_fault(tmp_path: Path) -> None:
    """Editors that begin a file with a byte order mark do no harm."""
    path = tmp_path / "p.toml"
    path.write_bytes(b'\xef\xbb\xbfversion = 1\nname = "x"\n')
    assert load_policy(path).name == "x"


def test_a_bottomless_file_is_a_fault() -> None:
    """Nesting without end is told, not a crash."""
    (line,) = told("x = " + "[" * 20_000 + "]" * 20_000)
    assert "nested too deeply" in line


DOCUMENTS = [
    "a = 1\nb.c = 2 # x\n'd e'.\"f\\u0041\" = 3\n",
    "[a]\nb = { c = 1, d = { e = [1, 2] } }\n[a.f]\ng = 1\n",
    "[[a]]\nb = 1\n[a.c]\nd = 1\n[[a]]\nb = 2\n[[a.e]]\nf = 1\n[[a.e]]\nf = 2\n",
    'a = """x\n[b]\nc = 1\n"""\nd = \'\'\'\n[[e]]\n\'\'\'\nf = ""\ng = """a\\"""b"""\nh = """x"""""\n',
    "a = [ # ]\n  1, [2,\n 3], # x\n  { b = 1 },\n]\nc = 2025-01-01 00:00:00Z\nd = '#'\n",
    "[a.b.c]\n[a]\nd = 1\r\n[e]\r\nf = [\r\n1,\r\n]\r\n",
    "[ a . 'b' ]\nc = {}\nd = []\n",
    "a={b=1,c=[1,[2],3],d={e=1,f={}}}\ng=[{h=1},{i=2,j=3}]\n'k'=1\n[l]\nm=[\n1,2,\n3]\nn=1\n[[o]]\n[[o]]\np=1\n",
    "a  =  { b  =  1  ,  c  =  [ 1 , 2 ]  }\n  d\t=\t1\n\n  [ e ]  \n  f . g  =  2  \n  [[ h ]]  # x\n  i  =  ''  \n",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_the_scan_finds_what_tomllib_reads(text: str) -> None:
    """Every table, key and array element is found on the line of its name."""

    def paths(value: Any, path: Key) -> set[Key]:
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return {path} | {found for key, entry in entries for found in paths(entry, (*path, key))}

    lines = lines_of(text)
    assert set(lines) == paths(tomllib.loads(text), ()) - {()}
    rows = text.split("\n")
    for path, line in lines.items():
        name = path[-1]
        if isinstance(name, str) and name.isalpha() and name.isascii() and "fA" not in name:
            assert name in rows[line - 1], path
