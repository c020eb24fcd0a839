"""The policy file: TOML in, a ``Policy`` out, or every fault with its line."""

from __future__ import annotations

from .faults import Fault
from .findings import Finding, findings
from .loading import Examined, examine, load_policy, parse_policy

__all__ = ["Examined", "Fault", "Finding", "examine", "findings", "load_policy", "parse_policy"]
