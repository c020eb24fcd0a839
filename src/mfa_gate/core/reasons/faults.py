"""The refusals by a limit, and because something failed."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="too_soon",
        status=429,
        title="Please wait a moment",
        text="Try again in a moment.",
        beside_form=Sentence("Please wait a moment, then try again.", lasting="You can ask again in %(length)s."),
    ),
    Reason(
        word="send_failed",
        status=502,
        title="We couldn’t deliver the message",
        text="Try again later, or choose another method.",
        beside_form=Sentence("We couldn’t deliver the message. Send it again, or choose another method."),
    ),
    Reason(
        word="send_refused",
        status=403,
        title="We can’t reach this number right now",
        text="Choose another method, or ask your administrator.",
        beside_form=Sentence("We can’t reach this number right now. Choose another method, or ask your administrator."),
    ),
    Reason(
        word="factor_unavailable",
        status=503,
        title="This method isn’t available right now",
        text="Choose another method, or try again later.",
        beside_form=Sentence("We can’t send anything this way right now. Choose another method, or try again later."),
    ),
    Reason(
        word="method_not_allowed",
        status=405,
        title="That isn’t possible here",
        text="Go back and try again.",
    ),
    Reason(
        word="too_large",
        status=413,
        title="That’s too large",
        text="Send less data.",
    ),
    Reason(
        word="media_type",
        status=415,
        title="That kind of content isn’t accepted",
        text="Send the documented content type.",
    ),
    Reason(
        word="early_data",
        status=425,
        title="Please send that again",
        text="The request came before the connection was ready.",
    ),
    Reason(
        word="store_unavailable",
        status=503,
        title="We can’t check your sign-in right now",
        text="Nothing was lost. Try again in a moment.",
        beside_form=Sentence("We can’t check this right now. Nothing was lost. Try again in a moment."),
    ),
    Reason(
        word="fault",
        status=503,
        title="Something went wrong on our side",
        text="Nothing was lost. Try again in a moment.",
    ),
)
