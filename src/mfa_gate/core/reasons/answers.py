"""The refusals of an answer."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="wrong_code",
        status=422,
        title="That code isn’t right",
        text="Check the code and enter it again, or get a new one.",
        beside_form=Sentence("That code isn’t right. Check it and enter it again."),
        untyped=("That wasn’t accepted", "Try again, or choose another method."),
    ),
    Reason(
        word="code_expired",
        status=422,
        title="That code has expired",
        text="Get a new code and enter it here.",
        beside_form=Sentence("That code has expired. Send a new one."),
        untyped=("That has expired", "Ask again and answer in time, or choose another method."),
    ),
    Reason(
        word="code_already_used",
        status=422,
        title="That code was already used",
        text="Wait for the next code, or get a new one.",
        beside_form=Sentence("That code was already used. Wait for the next one, or get a new one."),
        untyped=("That was already answered", "Ask again, or choose another method."),
    ),
    Reason(
        word="malformed",
        status=422,
        title="That isn’t a code",
        text="Enter the code exactly as you got it.",
        beside_form=Sentence("That doesn’t look like the code. Enter it exactly as you got it."),
        untyped=("We couldn’t read that answer", "Try again, or choose another method."),
    ),
    Reason(
        word="clock_drift",
        status=422,
        title="Your phone’s clock is off",
        text="Turn on automatic time on your phone, then enter a new code.",
        beside_form=Sentence(
            "Your phone’s clock is off. Turn on automatic time in its settings, then enter a new code.",
            lasting=(
                "Your app’s clock is about %(length)s ahead of ours. Turn on automatic time on your phone, then "
                "enter a new code. If its time is right, tell your administrator."
            ),
            behind=(
                "Your app’s clock is about %(length)s behind ours. Turn on automatic time on your phone, then enter "
                "a new code. If its time is right, tell your administrator."
            ),
        ),
    ),
    Reason(
        word="clock_ahead",
        status=422,
        title="Our clock is or was wrong",
        text="Your code may be right. Choose another method, or ask your administrator.",
        beside_form=Sentence(
            "Our clock is wrong, or was when you were last here. Your code may be right, but we can’t accept it now. "
            "Choose another method, or ask your administrator."
        ),
    ),
    Reason(
        word="code_too_early",
        status=422,
        title="That code is a little early",
        text="Wait for the next code in your app and enter it.",
        beside_form=Sentence("That code is a little early. Wait for the next one in your app and enter that."),
    ),
    Reason(
        word="draft_replaced",
        status=422,
        title="That code is from an earlier set-up",
        text="You’ve started again since. Scan the picture that’s shown now and enter its code.",
        beside_form=Sentence(
            "That code is from an earlier set-up. Scan the picture that’s shown now, or enter the newest code."
        ),
    ),
    Reason(
        word="denied",
        status=422,
        title="The request was denied",
        text="It was denied on the phone. Try again, or choose another method.",
        beside_form=Sentence("The request was denied on your phone. Try again, or choose another method."),
    ),
    Reason(
        word="pending",
        status=422,
        title="Still waiting for an answer",
        text="Answer the call or the request on your phone, then continue.",
        beside_form=Sentence("Still waiting. Answer on your phone, then continue."),
    ),
    Reason(
        word="nothing_sent",
        status=422,
        title="No code was sent yet",
        text="Send a code first, then enter it here.",
        beside_form=Sentence("No code was sent yet. Send one first."),
        untyped=("Nothing is waiting for an answer", "Ask first, then answer."),
    ),
)
