"""The rules of a policy as values.

There is one class for each section of the file, with the file's defaults. Import from here.
"""

from __future__ import annotations

from .factors import (
    CodeRules,
    CountRules,
    FactorRules,
    MayBeOnFile,
    ResendRules,
    SendsCode,
)
from .paths import METHODS, Exemption, PathRule, StepUpRule, SubjectExemption, is_clean, is_plain, path_in, plain_path
from .policy import Mode, Policy, PolicyTest, Rules, TenantSettings
from .sections import (
    RECOVERY_WAYS,
    AgreementRules,
    AttemptRules,
    AuditRules,
    BrandRules,
    ChangeRules,
    CompareRules,
    EnrollmentRules,
    FreshnessRules,
    IPChangeRules,
    NudgeRules,
    RecoveryRules,
    ReportRules,
    RoleRules,
    RollingRules,
    SkipRules,
    Stage,
)
from .sends import PriceRules, SendCount, SendRules, UnansweredRules, Units
from .units import DAY

__all__ = [
    "DAY",
    "METHODS",
    "RECOVERY_WAYS",
    "AgreementRules",
    "AttemptRules",
    "AuditRules",
    "BrandRules",
    "ChangeRules",
    "CodeRules",
    "CompareRules",
    "CountRules",
    "EnrollmentRules",
    "Exemption",
    "FactorRules",
    "FreshnessRules",
    "IPChangeRules",
    "MayBeOnFile",
    "Mode",
    "NudgeRules",
    "PathRule",
    "Policy",
    "PolicyTest",
    "PriceRules",
    "RecoveryRules",
    "ReportRules",
    "ResendRules",
    "RoleRules",
    "RollingRules",
    "Rules",
    "SendCount",
    "SendRules",
    "SendsCode",
    "SkipRules",
    "Stage",
    "StepUpRule",
    "SubjectExemption",
    "TenantSettings",
    "UnansweredRules",
    "Units",
    "is_clean",
    "is_plain",
    "path_in",
    "plain_path",
]
