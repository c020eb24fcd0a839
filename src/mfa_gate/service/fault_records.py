"""Log records of faults that carry no values of local variables.

Error trackers send the local variables of every frame of a logged exception. Ours hold codes, secrets and cookies.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType


class WithoutLocals(logging.Filter):
    """A filter that empties the frames of the exceptions in a record.

    The text of the traceback is made before, so a plain log shows all of it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without values of local variables."""
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
            kind, error, trace = record.exc_info
            if record.exc_text is None:
                record.exc_text = "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")
            record.exc_info = (kind, error, emptied(trace))
            _empty_others(error)
        return True


def emptied(trace: TracebackType | None) -> TracebackType | None:
    """Empty the frames of ``trace``, and return it without the frames that still run.

    A frame that runs cannot be emptied: it is the one that has caught the exception.
    """
    kept: TracebackType | None = None
    while trace is not None:
        try:
            trace.tb_frame.clear()
        except RuntimeError:
            kept = None
        else:
            kept = kept or trace
        trace = trace.tb_next
    return kept


def empty_frames(error: BaseException) -> None:
    """Empty the finished frames of an exception that goes on to the app.

    Those of its causes are emptied too.
    """
    emptied(error.__traceback__)
    _empty_others(error)


def _empty_others(error: BaseException) -> None:
    """Empty the frames of the causes, the contexts and the members of ``error``."""
    seen, waiting = {id(error)}, [error]
    while waiting:
        one = waiting.pop()
        members = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        for other in (one.__cause__, one.__context__, *members):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                other.__traceback__ = emptied(other.__traceback__)
                waiting.append(other)


CLEAN = WithoutLocals()


def keep_clean() -> None:
    """Let no record of our logger carry local variables. May be called many times."""
    logging.getLogger("mfa_gate").addFilter(CLEAN)
