"""Read every file of the tests, and say nothing if all of it can be read.

``python -m tests.collected``. What pytest makes of a file is kept beside it, so that the processes of the next run need not
make it again.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout

import pytest


def main() -> int:
    """Collect all tests, those of ``--long`` as well. Returns pytest's exit code."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = int(pytest.main(["--collect-only", "-qq", "-m", ""]))
    if code:
        print(said.getvalue())
    return code


if __name__ == "__main__":
    sys.exit(main())
