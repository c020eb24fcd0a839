"""Stories in which the gate once did something else than the reference foretold."""

from __future__ import annotations

import pytest

from .stage import Stage
from .story import Story, tell

FOUND: dict[str, Story] = {
    "the end of all proofs of a tenant, under a clock that is behind one of them": [
        ("enroll_contact", {"number": 5, "kind": "email"}),
        ("step_back", {"seconds": 45}),
        ("end_proofs_of_tenant", {"tenant": "delta"}),
    ],
    "a proof after the end of all proofs, under a clock that stepped back": [
        ("end_proofs_of_tenant", {"tenant": "alpha"}),
        ("step_back", {"seconds": 600}),
        ("enroll", {"number": 2}),
    ],
    "a grant that is asked for right after the end of all proofs of the tenant": [
        ("wrong", {"number": 4, "guess": 74}),
        ("enroll", {"number": 0}),
        ("end_proofs_of_tenant", {"tenant": "alpha"}),
        ("ask", {"who": ("ann", "alpha"), "by": "operator:one"}),
        ("revoke", {"who": ("ann", "alpha")}),
    ],
    "a ticket that ran out is nothing that is left of somebody who was forgotten": [
        ("give_ticket", {"who": ("cat", "beta")}),
        ("forget", {"who": ("cat", "beta")}),
        ("give_ticket", {"who": ("cat", "beta")}),
        ("wait", {"seconds": 259200}),
        ("end_proofs", {"who": ("cat", "beta")}),
        ("unlock", {"who": ("cat", "beta")}),
    ],
    "a ticket in the hands of somebody whose changes are stopped": [
        ("give_ticket", {"who": ("dan", "gamma")}),
        ("redeem", {"number": 4}),
        ("enroll_contact", {"number": 4, "kind": "sms"}),
        ("reset", {"who": ("dan", "gamma")}),
        ("give_ticket", {"who": ("dan", "gamma")}),
        ("dispute", {"who": ("dan", "gamma")}),
        ("redeem", {"number": 4}),
    ],
    "a code that two thieves with the same person's cookies have left used": [
        ("enroll_contact", {"number": 0, "kind": "sms"}),
        ("steal", {"number": 4, "victim": 0}),
        ("backup_code", {"number": 4}),
        ("steal", {"number": 3, "victim": 1}),
        ("backup_code", {"number": 3}),
        ("used_backup_code", {"number": 0}),
    ],
    "a code that nobody remembers any more": [
        ("enroll_contact", {"number": 2, "kind": "sms"}),
        ("wait", {"seconds": 299}),
        ("send", {"number": 2, "kind": "sms"}),
        ("wait", {"seconds": 3600}),
        ("wait", {"seconds": 3600}),
        ("step_back", {"seconds": 600}),
        ("sent_code", {"number": 2, "kind": "sms"}),
    ],
}


@pytest.mark.parametrize("story", FOUND.values(), ids=FOUND)
def test_what_was_found(story: Story) -> None:
    """The gate does what the reference foretells."""
    tell(Stage, story)
