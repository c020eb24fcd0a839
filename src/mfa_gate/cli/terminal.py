"""Make text safe for a terminal, whatever characters it holds and the terminal lacks."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TextIO

UNSEEN = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters, line ends, characters that change the direction of writing, and bytes that were no UTF-8."""
_UNSEEN = re.compile(f"[{UNSEEN}]")
_UNSEEN_BUT_LINES = re.compile(f"(?!\n)[{UNSEEN}]")


def is_plain(text: str) -> bool:
    """Tell if ``text`` is one line that a terminal shows as it is."""
    return not _UNSEEN.search(text)


def one_line(text: object) -> str:
    """Spell every character out that a terminal would obey, line ends too."""
    return _UNSEEN.sub(_spelled, str(text))


def plain_lines(text: str) -> str:
    """Spell every character out that a terminal would obey, but keep the lines."""
    return _UNSEEN_BUT_LINES.sub(_spelled, text)


def json_text(
    document: object,
    *,
    indent: int | None = None,
    stream: TextIO | None = None,
    default: Callable[[Any], Any] | None = None,
) -> str:
    """Write JSON, with letters as escapes where ``stream`` (standard output) lacks them.

    ``default`` makes plain values of those that JSON does not know.
    """
    encoding = (getattr(stream or sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    text = json.dumps(document, ensure_ascii=not encoding.startswith("utf"), indent=indent, default=default)
    return _UNSEEN_BUT_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def prepare() -> None:
    """Let standard output and error show letters that they lack as escapes, not fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def end_output() -> str:
    """Write all that was printed.

    Returns the reason why it cannot be written; "" if it is written, and also if nobody reads on. Python would do it at
    its very end, where it can only print a trace.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return "" if isinstance(error, BrokenPipeError) else told(error)
    return ""


def told(error: OSError) -> str:
    """Tell an error of the system in one line, with the file if it names one."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename is not None else reason


def fault_of(words: Sequence[str]) -> str:
    """Name the argument that holds a forbidden character; "" if all are plain."""
    for place, word in enumerate(words, 1):
        if not is_plain(word):
            return f"argument {place} ({one_line(word[:60])}) is not UTF-8, or holds a control character"
    return ""


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
