"""Sentry never sees a code, a secret or a cookie.

With its real SDK, as its documentation sets it up.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.service.fault_records import emptied, empty_frames, keep_clean

Reports = tuple[list[str], dict[str, list[str]]]
"""The secrets of a world, and what was sent by fault."""


@pytest.fixture(scope="module")
def reports(root: Path) -> tuple[Reports, Reports]:
    """The reports of Sentry as it comes, and with the names of the README.

    They come from a process of their own.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.service.reported", *advised(root)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    plain, scrubbed = ((told["secrets"], told["events"]) for told in map(json.loads, done.stdout.splitlines()))
    return plain, scrubbed


def advised(root: Path) -> list[str]:
    """The names that the README puts on the scrubber's list."""
    text = (root / "src/mfa_gate/service/README.md").read_text()
    found = re.search(r"\*DEFAULT_DENYLIST, ([^]]+)\]", text)
    assert found is not None
    return re.findall(r'"(\w+)"', found[1])


def test_our_own_faults_carry_nothing(reports: tuple[Reports, Reports]) -> None:
    """Sentry as it comes: each fault of ours is reported, with its frames.

    Not one secret is in it.
    """
    secrets, events = reports[0]
    assert len(secrets) > 10
    for name in ("verify", "enroll", "send", "page", "sign-out"):
        assert events[name], name
        assert any("library is broken" in text or "NoneType" in text for text in events[name]), name
        assert [secret for secret in secrets if any(secret in text for text in events[name])] == [], name
    assert any("mfa_gate.service.verification" in text for text in events["verify"])
    (app,) = events["app"]
    assert "mfa_gate" not in {frame["module"].split(".")[0] for frame in frames_of(app)}


def test_the_advice_of_the_readme_covers_the_apps_faults(root: Path, reports: tuple[Reports, Reports]) -> None:
    """A fault of the app has Starlette's frames, which hold the request.

    With the README's names no cookie leaves.
    """
    assert "scope" in advised(root)
    secrets, events = reports[1]
    for name in ("app", "status", "ticket"):
        (report,) = events[name]
        assert frames_of(report)
        assert [secret for secret in secrets if secret in report] == [], name


def frames_of(text: str) -> list[dict[str, Any]]:
    """The frames of an event."""
    values = json.loads(text)["exception"]["values"]
    return [frame for value in values for frame in value["stacktrace"]["frames"]]


def test_a_plain_log_keeps_the_whole_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """The text has every frame and the cause.

    The frames in the record, and in every chained exception, are empty.
    """
    keep_clean()
    keep_clean()
    log = logging.getLogger("mfa_gate")

    def inner(code: str) -> None:
        raise KeyError("inner")

    def outer(code: str) -> None:
        try:
            inner(code)
        except KeyError as error:
            raise ExceptionGroup("several", [ValueError("one"), error]) from error

    with caplog.at_level(logging.ERROR, logger="mfa_gate"):
        try:
            outer("123456")
        except ExceptionGroup:
            log.exception("failed")
        log.error("no exception", exc_info=True)
    record = caplog.records[0]
    assert record.exc_text is not None
    for word in ("test_a_plain_log", "in outer", "in inner", "KeyError", "ValueError: one"):
        assert word in record.exc_text
    assert record.exc_info is not None
    waiting = [record.exc_info[1]]
    while waiting:
        error = waiting.pop()
        if error is None:
            continue
        trace = record.exc_info[2] if error is record.exc_info[1] else error.__traceback__
        while trace is not None:
            assert "123456" not in repr(trace.tb_frame.f_locals)
            trace = trace.tb_next
        waiting += [error.__cause__, *(error.exceptions if isinstance(error, BaseExceptionGroup) else ())]


def test_every_exception_behind_one_is_emptied() -> None:
    """A cause, its cause, a context and the members of a group carry no local variable."""

    def fails(code: str, behind: BaseException | None = None) -> None:
        raise ValueError("no") from behind

    def caught(behind: BaseException | None = None) -> BaseException:
        try:
            fails("123456", behind)
        except ValueError as error:
            return error
        raise AssertionError

    deep = caught(caught(BaseExceptionGroup("several", [ValueError("one"), caught(caught())])))
    empty_frames(deep)
    seen, waiting = 0, [deep]
    while waiting:
        one = waiting.pop()
        waiting += [other for other in (one.__cause__, *getattr(one, "exceptions", ())) if other is not None]
        trace = one.__traceback__
        while trace is not None:
            assert "code" not in trace.tb_frame.f_locals
            trace, seen = trace.tb_next, seen + 1
    assert seen > 0


def test_a_trace_without_the_frames_that_run() -> None:
    """A trace for a tracker begins behind the frame that has caught the exception."""

    def inner(code: str) -> None:
        raise ValueError("no")

    def outer(code: str) -> None:
        inner(code)

    try:
        outer("123456")
    except ValueError as error:
        kept = emptied(error.__traceback__)
        names = []
        while kept is not None:
            names.append(kept.tb_frame.f_code.co_name)
            kept = kept.tb_next
    assert names == ["outer", "inner"]
    assert emptied(None) is None
