"""The refusals of a change of factors."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="not_enrollable",
        status=422,
        title="This can’t be set up here",
        text="Your organization doesn’t offer it. Choose another method.",
        beside_form=Sentence("Your organization doesn’t offer that. Choose another method."),
    ),
    Reason(
        word="no_contact",
        status=422,
        title="No contact on file",
        text="Ask your administrator to add one, or to give you a set-up code.",
        beside_form=Sentence("We have no contact on file for you. Ask your administrator to add one."),
    ),
    Reason(
        word="contact_changed",
        status=422,
        title="Your contact on file has changed",
        text="Get a new code: it goes to the new contact.",
        beside_form=Sentence("Your contact on file has changed. Get a new code: it goes to the new one."),
    ),
    Reason(
        word="phone_region",
        status=422,
        title="Numbers from that country aren’t accepted",
        text="Enter a number from an accepted country.",
        beside_form=Sentence(
            "Numbers from that country aren’t accepted. Enter another one.",
            detailed="That’s a number from %(about)s. Use a number from: %(detail)s.",
        ),
    ),
    Reason(
        word="phone_type",
        status=422,
        title="We can’t use that kind of number",
        text="Enter your own mobile number.",
        beside_form=Sentence(
            "We can’t use that kind of number. Enter your own mobile number.",
            by_detail={
                "toll-free": "That’s a toll-free number, and it can’t get our text messages. Enter a mobile number.",
                "premium-rate": "That’s a premium-rate number. Enter your own mobile number.",
                "personal-number": "That’s a personal number, which is costly to call. Enter a mobile number.",
                "shared-cost": "That number costs callers extra. Enter your own mobile number.",
                "pager": "That’s a pager, and it can’t show our codes. Enter your own mobile number.",
                "voip": "That’s an internet number. Enter your own mobile number.",
                "fixed-line": "That’s a landline. Enter a mobile number.",
                "satellite": "That number doesn’t belong to a country. Enter your own mobile number.",
            },
        ),
    ),
    Reason(
        word="phone_invalid",
        status=422,
        title="That isn’t a phone number",
        text="Enter the number with the area code.",
        beside_form=Sentence(
            "That doesn’t look like a phone number. Enter it with the area code.",
            detailed="That doesn’t look like a phone number. Enter it like %(detail)s.",
            by_detail={
                "country-code": "Start with + and the country code. A number in Germany starts with +49, for example.",
                "unknown-area": "We don’t know that area code. Check the number, or use another one.",
            },
        ),
    ),
    Reason(
        word="phone_extension",
        status=422,
        title="That number has an extension",
        text="Codes can’t reach an extension. Enter a number without one.",
        beside_form=Sentence("We can’t send codes to an extension. Enter a number that reaches you directly."),
    ),
    Reason(
        word="label_taken",
        status=422,
        title="You already use that name",
        text="Choose a different name.",
        beside_form=Sentence("You already use that name. Choose another one."),
    ),
    Reason(
        word="last_factor",
        status=422,
        title="This is your last method",
        text="Your organization requires one. Set up another one first.",
        beside_form=Sentence("This is your last method, and your organization requires one. Add another one first."),
    ),
    Reason(
        word="already_enrolled",
        status=422,
        title="This is already set up",
        text="Remove the old one first, or choose another method.",
        beside_form=Sentence("That’s already set up. Remove the old one first, or choose another method."),
    ),
    Reason(
        word="too_many",
        status=422,
        title="You’ve reached the limit",
        text="Remove one you no longer use.",
        beside_form=Sentence("You’ve reached the limit. Remove one you no longer use."),
    ),
)
