"""Odd files: long numbers, dates without a calendar, control characters, pipes, letters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mfa_gate.cli import main
from mfa_gate.errors import SettingsError
from mfa_gate.policyfile import examine, parse_policy

from .kinds import HEAD, HERE, told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[attempts]\nmax = " + "9" * 5_000, ":4: not TOML: a whole number has at most 19 digits"),
        ("[attempts]\nmax = " + "9_9" * 3_000, ":4: not TOML: a whole number has at most 19 digits"),
        ("[attempts]\nmax = 0x" + "f" * 6_000, ":4: attempts.max: a number of 24000 bits is out of bounds: "),
    ],
)
def test_a_number_that_python_does_not_write(text: str, said: str) -> None:
    """The file has one more fault, with its line, and the program goes on."""
    (line,) = told(text)
    assert said in line
    for above in range(3):
        (fault,) = examine("\n" * above + "a = " + "9" * 5_000, base=HERE).faults
        assert fault.line == above + 1


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1969-12-31"])
@pytest.mark.parametrize(
    "text",
    [
        "[enrollment]\nrequired_from = {}",
        "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'a'\nexpires = {}",
        "[[tests]]\nname = 'a'\ngiven = {{ at = {} }}\nexpect = {{ decision = 'enroll' }}",
    ],
)
def test_a_moment_without_a_date_in_each_time_zone(text: str, moment: str) -> None:
    """A moment that no page could write is out of bounds."""
    (line,) = told(text.format(moment))
    assert f"{moment} is out of bounds: it must be between 1970-01-01 and 9999-12-31" in line


@pytest.mark.parametrize("moment", ["1970-01-01", "9999-12-31", "9999-12-31T00:00:00Z"])
def test_the_first_and_the_last_day(moment: str) -> None:
    """Both ends of the calendar are dates, and the last one is often written for "never"."""
    text = f"[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'a'\nexpires = {moment}\n"
    assert parse_policy(HEAD + text, base=HERE).base.exempt


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ('"\\u001b[31mred"', '"\\x1b[31mred"'),
        ('"a\\nb"', '"a\\nb"'),
        ('"a\u202eb"', '"a\\u202eb"'),
        ('"a\\"b\\\\"', '"a\\"b\\\\"'),
        ('"Zürich"', '"Zürich"'),
    ],
)
def test_keys_and_values_are_shown_alike(key: str, said: str) -> None:
    """In keys and values, control characters are spelled out, and letters stay letters."""
    by_key, by_value = told(f"{key} = 1\n[enrollment]\nstage = {key}")
    assert f"{said}: unknown key" in by_key
    assert f"{said} is not one of" in by_value


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a shell would."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run([sys.executable, "-m", "mfa_gate.cli", *words], env=environment, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("words", [["check", "{}"], ["diff", "{}", "{}"]])
def test_json_is_json_where_the_terminal_has_no_letters(tmp_path: Path, words: list[str]) -> None:
    """Letters are escapes of JSON, and not those of Python."""
    file = tmp_path / "a.toml"
    file.write_text('version = 1\nname = "Zürich"\n[tenants."Zürich".factors]\nallowed = ["fax"]\n', "utf-8")
    if words[0] == "diff":
        file.write_text(file.read_text("utf-8").replace("fax", "totp"), "utf-8")
        words = ["diff", "{}", str(tmp_path / "b.toml")]
        (tmp_path / "b.toml").write_text('version = 1\nname = "Zürich"\n', "utf-8")
    done = run("policy", *(word.format(file) for word in words), "--json", PYTHONIOENCODING="ascii")
    assert "Zürich" in json.dumps(json.loads(done.stdout), ensure_ascii=False), done.stderr


def test_a_policy_comes_through_a_pipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``policy diff <(git show HEAD:policy.toml) policy.toml`` reads both."""
    pipe, file = tmp_path / "pipe", tmp_path / "policy.toml"
    file.write_text(HEAD)
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=(HEAD,))
    writing.start()
    assert main(["policy", "diff", str(pipe), str(file)]) == 0
    writing.join()
    assert capsys.readouterr().out == "no difference\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.toml", "there is no such file"),
        ("folder", "it is a folder; name the file in it"),
        ("loop", "too many levels of symbolic links"),
        ("a" * 5_000, "file name too long"),
        ("policy.toml/more", "not a directory"),
    ],
)
def test_a_name_that_is_no_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    """Each way in which there is no file is told in its own words, as wrong use."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(HEAD)
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    assert main(["policy", "check", name]) == 2
    assert capsys.readouterr().err == f"mfa-gate policy check: {name}: {said}\n"


def test_a_start_tells_a_number_that_python_does_not_write(tmp_path: Path) -> None:
    """The exception of a start is ours, with the fault in it."""
    with pytest.raises(SettingsError, match="at most 19 digits"):
        parse_policy(f"{HEAD}x = {'9' * 5_000}\n", base=tmp_path)
