"""The acts that end access finely or take it away for good, one row an act."""

from __future__ import annotations

from ...core.changes import admin, life
from .action import Action

ROWS = (
    Action(
        name="end-sessions",
        right="unlock",
        step=lambda account, given: life.end_all_proofs(account, given.moment, reason=given.reason),
        fields=("reason",),
        place="/end-sessions",
        command=("end-sessions",),
        summary="End every proof of the person. Nothing is locked, and the factors stay.",
        help="end every proof; nothing is locked",
        done="every proof of {key} has ended",
        tone="secondary",
        offered=lambda shown: bool(shown.browsers),
        drops_forms=True,
        a_day=1_000,  # who ends those of a whole tenant is privileged, and portions of it are no way round
    ),
    Action(
        name="forget-browser",
        right="unlock",
        step=lambda account, given: admin.forget_browser(account, given.moment, id=given.browser, reason=given.reason),
        fields=("browser", "reason"),
        place="/browsers/",
        command=("forget-browser",),
        summary="Forget one browser, with its proofs.",
        help="forget one browser, with its proofs",
        done="the browser of {key} is forgotten",
        tone="secondary",
        offered=lambda shown: bool(shown.browsers),
        method="DELETE",
        part="browser",
        optional=("reason",),
    ),
    Action(
        name="remove",
        right="reset",
        step=lambda account, given: admin.remove_authenticator(
            account,
            given.moment,
            id=given.authenticator,
            reason=given.reason,
            traits=given.traits,
            hold=given.hold,
        ),
        fields=("authenticator", "reason"),
        place="/authenticators/",
        command=("remove",),
        summary="Remove one authenticator. With the last one, a first enrollment opens under the policy.",
        help="remove one authenticator; after the last one a first enrollment opens",
        done="{key} has lost the authenticator",
        tone="danger",
        offered=lambda shown: bool(shown.authenticators) and shown.asked is None,
        method="DELETE",
        part="authenticator",
        needs_two=True,
    ),
    Action(
        name="forget",
        right="reset",
        step=lambda account, given: life.forget_on_request(
            account, given.moment, pseudonym=given.pseudonym, reason=given.reason, hold=given.hold
        ),
        fields=("reason",),
        place="/forget",
        command=("forget",),
        summary="Erase everything about a person who is gone. The trail keeps a pseudonym; the id begins as a new person.",
        help="erase everything about a person who is gone; the trail keeps a pseudonym",
        done="everything about {key} is erased",
        tone="danger",
        offered=lambda shown: shown.asked is None,
        unknown=True,
        needs_two=True,
        erases=True,
    ),
)
