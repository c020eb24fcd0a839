"""The refusals of an answer."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="wrong_code",
        status=422,
        title="That code is not right",
        text="Check the code and enter it again, or get a new one.",
        beside_form=Sentence("That code is not right. Check it and enter it again."),
        untyped=("That was not accepted", "Try again, or choose another way."),
    ),
    Reason(
        word="code_expired",
        status=422,
        title="That code has ended",
        text="Get a new code and enter it here.",
        beside_form=Sentence("That code has ended. Get a new one and enter it here."),
        untyped=("That has ended", "Ask again and answer in time, or choose another way."),
    ),
    Reason(
        word="code_already_used",
        status=422,
        title="That code was used before",
        text="Wait for the next code, or get a new one.",
        beside_form=Sentence("That code was used before. Wait for the next one, or get a new one."),
        untyped=("That was answered before", "Ask again, or choose another way."),
    ),
    Reason(
        word="malformed",
        status=422,
        title="That is not a code",
        text="Enter the code exactly as it was sent or shown.",
        beside_form=Sentence("That does not look like the code. Enter it exactly as it was sent or shown."),
        untyped=("That answer could not be read", "Try again, or choose another way."),
    ),
    Reason(
        word="clock_drift",
        status=422,
        title="Your phone's clock is off",
        text="Turn on automatic time on your phone, then enter a new code.",
        beside_form=Sentence(
            "The clock of your phone is off. Turn on automatic time there, then enter a new code.",
            lasting="Your app's clock is about %(length)s ahead of ours. "
            "Turn on automatic time on your phone, then enter a new code. "
            "If its time is right, tell your administrator.",
            behind="Your app's clock is about %(length)s behind ours. "
            "Turn on automatic time on your phone, then enter a new code. "
            "If its time is right, tell your administrator.",
        ),
    ),
    Reason(
        word="clock_ahead",
        status=422,
        title="Our clock was wrong before",
        text="Your code may be right. Choose another way, or ask your administrator to set you up again.",
        beside_form=Sentence(
            "Our clock was wrong when you were here last. Your code may be right, but we cannot take it yet. "
            "Choose another way, or ask your administrator to set you up again."
        ),
    ),
    Reason(
        word="code_too_early",
        status=422,
        title="That code comes a little too early",
        text="Wait for the next code of your app and enter it.",
        beside_form=Sentence(
            "That code comes a little too early. Wait for the next code of your app, and enter that one."
        ),
    ),
    Reason(
        word="draft_replaced",
        status=422,
        title="That code is of an earlier set-up",
        text="You began again since. Scan the picture that is shown now, and enter its code.",
        beside_form=Sentence(
            "That code is of an earlier set-up. Use only what is shown or sent now: "
            "scan this picture again, or enter the newest code."
        ),
    ),
    Reason(
        word="denied",
        status=422,
        title="The request was denied",
        text="Somebody answered no on the phone. Try again or choose another way.",
        beside_form=Sentence("The request was answered with no. Try again, or choose another way."),
    ),
    Reason(
        word="pending",
        status=422,
        title="It is not answered yet",
        text="Answer the call or the request on your phone, then continue.",
        beside_form=Sentence("It is not answered yet. Answer, then press the button again."),
    ),
    Reason(
        word="nothing_sent",
        status=422,
        title="No code is waiting",
        text="Ask for a code first, then enter it here.",
        beside_form=Sentence("No code is on its way yet. Ask for one first."),
        untyped=("Nothing is waiting for an answer", "Ask first, then answer."),
    ),
)
