"""The refusals by a limit, and because something failed."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="too_soon",
        status=429,
        title="Please wait a little",
        text="Try again in a moment.",
        beside_form=Sentence("Please wait a little, then ask again.", lasting="You can ask again in %(length)s."),
    ),
    Reason(
        word="send_failed",
        status=502,
        title="The message could not be delivered",
        text="Try again later or choose another way.",
        beside_form=Sentence("The message could not be delivered. Send it again, or choose another way."),
    ),
    Reason(
        word="send_refused",
        status=403,
        title="Nothing can be sent to this number now",
        text="Choose another way, or ask your administrator.",
        beside_form=Sentence("Nothing can be sent to this number now. Choose another way, or ask your administrator."),
    ),
    Reason(
        word="factor_unavailable",
        status=503,
        title="This way is not available at the moment",
        text="Choose another way, or try again later.",
        beside_form=Sentence("Nothing can be sent this way at the moment. Choose another way, or try again later."),
    ),
    Reason(
        word="method_not_allowed",
        status=405,
        title="That is not possible here",
        text="Go back and try again.",
    ),
    Reason(
        word="too_large",
        status=413,
        title="That is too large",
        text="Send less.",
    ),
    Reason(
        word="media_type",
        status=415,
        title="That kind of content is not accepted",
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
        title="We cannot check your second step right now",
        text="Nothing is lost. Try again in a moment.",
        beside_form=Sentence("We cannot check this right now. Nothing is lost. Try again in a moment."),
    ),
    Reason(
        word="fault",
        status=503,
        title="Something failed on our side",
        text="Nothing is lost. Try again in a moment.",
    ),
)
