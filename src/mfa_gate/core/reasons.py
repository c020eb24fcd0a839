"""Every refusal: its stable word, its HTTP status, and what the person reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One row. ``title`` heads a problem document; ``text`` says what to do next. Both are translated where shown."""

    word: str
    status: int
    title: str
    text: str


_ROWS = (
    # what an answer can be refused for
    Reason("wrong_code", 422, "That code is not right", "Check the code and enter it again, or get a new one."),
    Reason("code_expired", 422, "That code has ended", "Get a new code and enter it here."),
    Reason("code_already_used", 422, "That code was used before", "Wait for the next code, or get a new one."),
    Reason("malformed", 422, "That is not a code", "Enter the code exactly as it was sent or shown."),
    Reason(
        "clock_drift", 422, "Your phone's clock is off", "Turn on automatic time on your phone, then enter a new code."
    ),
    Reason(
        "clock_ahead",
        422,
        "Our clock was wrong before",
        "Your code may be right. Choose another way, or ask your administrator to set you up again.",
    ),
    Reason(
        "code_too_early", 422, "That code comes a little too early", "Wait for the next code of your app and enter it."
    ),
    Reason(
        "draft_replaced",
        422,
        "That code is of an earlier set-up",
        "You began again since. Scan the picture that is shown now, and enter its code.",
    ),
    Reason(
        "denied", 422, "The request was denied", "Somebody answered no on the phone. Try again or choose another way."
    ),
    Reason("pending", 422, "It is not answered yet", "Answer the call or the request on your phone, then continue."),
    Reason("nothing_sent", 422, "No code is waiting", "Ask for a code first, then enter it here."),
    # what a change of factors can be refused for
    Reason(
        "not_enrollable", 422, "This cannot be set up here", "Your organization does not offer it. Choose another way."
    ),
    Reason(
        "no_contact",
        422,
        "There is no contact on file",
        "Ask your administrator to add one, or for an enrollment ticket.",
    ),
    Reason(
        "phone_region",
        422,
        "That number is from a country that is not accepted",
        "Enter a number from an accepted country.",
    ),
    Reason("phone_type", 422, "That kind of number cannot be used", "Enter a mobile number of your own."),
    Reason("phone_invalid", 422, "That is not a phone number", "Enter the number with its area code."),
    Reason("label_taken", 422, "That name is in use", "Choose a name that you do not use yet."),
    Reason("last_factor", 422, "This is the last one", "Your organization requires one. Set up another one first."),
    Reason("already_enrolled", 422, "This is set up already", "Remove the old one first, or choose another way."),
    Reason("too_many", 422, "There are too many", "Remove one that you no longer use."),
    # who may do what
    Reason("proof_required", 403, "A second step is needed", "Confirm it is you, then try again."),
    Reason("enrollment_required", 403, "A second step must be set up", "Set up a second step, then try again."),
    Reason(
        "agreement_required", 403, "An agreement must be accepted", "Read and accept the agreement, then try again."
    ),
    Reason("locked", 403, "This account is locked", "Ask your administrator to unlock it."),
    Reason("not_allowed", 403, "This is not allowed", "Ask your administrator if you need it."),
    Reason("csrf", 403, "This request did not come from our page", "Reload the page and try again."),
    Reason("ticket_required", 403, "An enrollment ticket is needed", "Ask your administrator for one."),
    Reason("contact_required", 403, "Your contact on file comes first", "Confirm the code we send to it."),
    Reason(
        "frozen", 403, "Changes are stopped for now", "You told us that a change was not yours. Ask your administrator."
    ),
    Reason("signed_out", 401, "You are not signed in", "Sign in first."),
    Reason(
        "unreadable",
        401,
        "Your sign-in could not be read",
        "Sign in again. If that does not help, delete the cookies of this site and sign in.",
    ),
    Reason("not_found", 404, "There is nothing here", "Check the address, or go back."),
    # limits and faults
    Reason("too_soon", 429, "Please wait a little", "Try again in a moment."),
    Reason("send_failed", 502, "The message could not be delivered", "Try again later or choose another way."),
    Reason(
        "send_refused",
        403,
        "Nothing can be sent to this number now",
        "Choose another way, or ask your administrator.",
    ),
    Reason(
        "factor_unavailable",
        503,
        "This way is not available at the moment",
        "Choose another way, or try again later.",
    ),
    Reason("method_not_allowed", 405, "That is not possible here", "Go back and try again."),
    Reason("too_large", 413, "That is too large", "Send less."),
    Reason("media_type", 415, "That kind of content is not accepted", "Send the documented content type."),
    Reason("early_data", 425, "Please send that again", "The request came before the connection was ready."),
    Reason(
        "store_unavailable",
        503,
        "We cannot check your second step right now",
        "Nothing is lost. Try again in a moment.",
    ),
    Reason("fault", 503, "Something failed on our side", "Nothing is lost. Try again in a moment."),
)

REASONS: dict[str, Reason] = {row.word: row for row in _ROWS}

UNTYPED: dict[str, tuple[str, str]] = {
    "wrong_code": ("That was not accepted", "Try again, or choose another way."),
    "code_expired": ("That has ended", "Ask again and answer in time, or choose another way."),
    "code_already_used": ("That was answered before", "Ask again, or choose another way."),
    "malformed": ("That answer could not be read", "Try again, or choose another way."),
    "nothing_sent": ("Nothing is waiting for an answer", "Ask first, then answer."),
}
"""Title and text of the same reasons where no code is typed: a passkey, a phone that approves, a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why something was not done: an expected outcome, not an error. ``ref`` is the event's id, where one was written.

    ``drift`` is by how many seconds a person's clock is ahead of ours (or behind, below zero), where that is the reason.
    """

    reason: str
    ref: str = ""
    attempts_remaining: int | None = None
    retry_after: int | None = None
    detail: str = ""
    max_age: int | None = None
    drift: int = 0

    @property
    def row(self) -> Reason:
        """The table's row for this refusal."""
        return REASONS[self.reason]
