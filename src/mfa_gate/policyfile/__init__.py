"""Read a policy file: from TOML to a ``Policy``, or to every fault with its line."""

from __future__ import annotations

from .faults import Fault
from .loading import Examined, examine, load_policy, parse_policy
from .tools.findings import Finding, findings

__all__ = ["Examined", "Fault", "Finding", "examine", "findings", "load_policy", "parse_policy"]
