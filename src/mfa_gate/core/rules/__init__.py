"""The rules of a policy as values.

There is one class for each section of the file, with the file's defaults. Import from here.
"""

from __future__ import annotations

from .factors import (
    BackupCodeRules,
    CodeRules,
    CountRules,
    EmailRules,
    FactorRules,
    PhoneRules,
    PushRules,
    ResendRules,
    TotpRules,
    VoiceRules,
    WebAuthnRules,
)
from .paths import METHODS, Exemption, PathRule, StepUpRule, SubjectExemption, plain_path
from .policy import Mode, Policy, PolicyTest, Rules, TenantSettings
from .sections import (
    RECOVERY_WAYS,
    AgreementRules,
    AttemptRules,
    AuditRules,
    BrandRules,
    CompareRules,
    EnrollmentRules,
    FreshnessRules,
    IPChangeRules,
    RecoveryRules,
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
    "BackupCodeRules",
    "BrandRules",
    "CodeRules",
    "CompareRules",
    "CountRules",
    "EmailRules",
    "EnrollmentRules",
    "Exemption",
    "FactorRules",
    "FreshnessRules",
    "IPChangeRules",
    "Mode",
    "PathRule",
    "PhoneRules",
    "Policy",
    "PolicyTest",
    "PriceRules",
    "PushRules",
    "RecoveryRules",
    "ResendRules",
    "RoleRules",
    "RollingRules",
    "Rules",
    "SendCount",
    "SendRules",
    "SkipRules",
    "Stage",
    "StepUpRule",
    "SubjectExemption",
    "TenantSettings",
    "TotpRules",
    "UnansweredRules",
    "Units",
    "VoiceRules",
    "WebAuthnRules",
    "plain_path",
]
