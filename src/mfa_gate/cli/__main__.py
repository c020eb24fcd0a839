"""Run ``python -m mfa_gate.cli``: the same as ``mfa-gate``."""

import sys

from . import main

sys.exit(main())
