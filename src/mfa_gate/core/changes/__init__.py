"""Pure steps from one ``Account`` to a ``Change``.

The caller stores every ``Change`` that it gets: a dropped one is a bug.
"""

from __future__ import annotations

from .backup_codes import drop_old_copies, replace_backup, saved_backup
from .base import Change, keep, refuse
from .challenge import issue, put_in_time, send_failed, withdraw
from .charge import (
    Charge,
    InFlight,
    charge,
    give_back,
    is_left_open,
    lock_left_open,
    recognized,
    settle_failure,
)
from .enroll import begin_enrollment, settle_enrollment
from .enroll_rights import change_demand, may_change, may_enroll
from .first_enrollment import grant_leave, redeem_ticket, skip
from .out_of_band import amend_authenticator, amend_draft, answer_elsewhere
from .proof import Forwarded, Granted, settle_success, twin_of
from .self_service import (
    accept_agreement,
    decline_agreement,
    end_everywhere,
    end_sign_in,
    forget_browsers,
    forget_others,
    remove,
    rename,
    request_recovery,
    set_default,
)
from .trusted_sign_in import is_new_login, take_login

__all__ = [
    "Change",
    "Charge",
    "Forwarded",
    "Granted",
    "InFlight",
    "accept_agreement",
    "amend_authenticator",
    "amend_draft",
    "answer_elsewhere",
    "begin_enrollment",
    "change_demand",
    "charge",
    "decline_agreement",
    "drop_old_copies",
    "end_everywhere",
    "end_sign_in",
    "forget_browsers",
    "forget_others",
    "give_back",
    "grant_leave",
    "is_left_open",
    "is_new_login",
    "issue",
    "keep",
    "lock_left_open",
    "may_change",
    "may_enroll",
    "put_in_time",
    "recognized",
    "redeem_ticket",
    "refuse",
    "remove",
    "rename",
    "replace_backup",
    "request_recovery",
    "saved_backup",
    "send_failed",
    "set_default",
    "settle_enrollment",
    "settle_failure",
    "settle_success",
    "skip",
    "take_login",
    "twin_of",
    "withdraw",
]
