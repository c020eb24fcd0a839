"""The refusals because of a missing right, or of a step that is still missing."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="proof_required",
        status=403,
        title="A second step is needed",
        text="Confirm it is you, then try again.",
        beside_form=Sentence("Confirm that it is you, then make the change."),
    ),
    Reason(
        word="enrollment_required",
        status=403,
        title="A second step must be set up",
        text="Set up a second step, then try again.",
    ),
    Reason(
        word="agreement_required",
        status=403,
        title="An agreement must be accepted",
        text="Read and accept the agreement, then try again.",
    ),
    Reason(
        word="locked",
        status=403,
        title="This account is locked",
        text="Ask your administrator to unlock it.",
        beside_form=Sentence("This account is locked. Ask your administrator to unlock it."),
    ),
    Reason(
        word="not_allowed",
        status=403,
        title="This is not allowed",
        text="Ask your administrator if you need it.",
    ),
    Reason(
        word="policy_refused",
        status=409,
        title="The policy cannot come into force",
        text="It has faults, or it waits for approvals. The policy before stays in force.",
    ),
    Reason(
        word="csrf",
        status=403,
        title="This request did not come from our page",
        text="Reload the page and try again.",
        beside_form=Sentence("Please send that again. Your page was out of date."),
    ),
    Reason(
        word="ticket_required",
        status=403,
        title="An enrollment ticket is needed",
        text="Ask your administrator for one.",
    ),
    Reason(
        word="contact_required",
        status=403,
        title="Your contact on file comes first",
        text="Confirm the code we send to it.",
    ),
    Reason(
        word="frozen",
        status=403,
        title="Changes are stopped for now",
        text="You told us that a change was not yours. Ask your administrator.",
        beside_form=Sentence(
            "Changes are stopped, because you told us that one was not yours. Ask your administrator."
        ),
    ),
    Reason(
        word="signed_out",
        status=401,
        title="You are not signed in",
        text="Sign in first.",
    ),
    Reason(
        word="unreadable",
        status=401,
        title="Your sign-in could not be read",
        text="Sign in again. If that does not help, delete the cookies of this site and sign in.",
    ),
    Reason(
        word="not_found",
        status=404,
        title="There is nothing here",
        text="Check the address, or go back.",
    ),
)
