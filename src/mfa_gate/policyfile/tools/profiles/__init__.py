"""Compare a policy with a standard, clause by clause. A profile never changes the policy.

Each profile is a table of clauses, and each clause has the checks that find departures from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....core.rules import Policy
from ....factors import BUILT_IN, Registry
from .assessment import Assessment, Deviation, Met, assess
from .asvs_l2 import ASVS_L2
from .clause import Clause
from .hipaa import HIPAA
from .nist_aal2 import NIST_AAL2
from .pci_dss_4 import PCI_DSS_4

PROFILES: Mapping[str, tuple[Clause, ...]] = {
    "nist-aal2": NIST_AAL2,
    "asvs-l2": ASVS_L2,
    "hipaa": HIPAA,
    "pci-dss-4": PCI_DSS_4,
}


def compare_with(policy: Policy, profile: str, *, now: int, factors: Registry = BUILT_IN) -> Assessment:
    """Compare ``policy`` at ``now`` (UTC seconds) with the profile of this name."""
    return assess(policy, profile, PROFILES[profile], now=now, factors=factors)


__all__ = ["PROFILES", "Assessment", "Deviation", "Met", "compare_with"]
