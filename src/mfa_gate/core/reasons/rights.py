"""The refusals because of a missing right, or of a step that is still missing."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="proof_required",
        status=403,
        title="You need to confirm it’s you",
        text="Confirm it’s you, then try again.",
        beside_form=Sentence("Confirm it’s you, then make the change."),
    ),
    Reason(
        word="enrollment_required",
        status=403,
        title="Two-step sign-in must be set up",
        text="Set up two-step sign-in, then try again.",
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
        title="This isn’t allowed",
        text="Ask your administrator if you need it.",
    ),
    Reason(
        word="policy_refused",
        status=409,
        title="The policy can’t come into force",
        text="It has errors, or it’s waiting for approval. The policy before it stays in force.",
    ),
    Reason(
        word="csrf",
        status=403,
        title="This request didn’t come from our page",
        text="Reload the page and try again.",
        beside_form=Sentence("Please send that again. Your page was out of date."),
    ),
    Reason(
        word="ticket_required",
        status=403,
        title="You need a set-up code",
        text="Ask your administrator for one.",
    ),
    Reason(
        word="contact_required",
        status=403,
        title="Confirm your contact first",
        text="Enter the code we send to it.",
    ),
    Reason(
        word="frozen",
        status=403,
        title="Changes are blocked for now",
        text="You told us that something wasn’t you. Ask your administrator.",
        beside_form=Sentence(
            "Changes are blocked because you told us that something wasn’t you. Ask your administrator."
        ),
    ),
    Reason(
        word="signed_out",
        status=401,
        title="You’re not signed in",
        text="Sign in first.",
    ),
    Reason(
        word="unreadable",
        status=401,
        title="We couldn’t read your sign-in",
        text="Sign in again. If that doesn’t help, delete this site’s cookies and sign in.",
    ),
    Reason(
        word="not_found",
        status=404,
        title="Not found",
        text="Check the address, or go back.",
        beside_form=Sentence("That was removed in the meantime."),
    ),
)
