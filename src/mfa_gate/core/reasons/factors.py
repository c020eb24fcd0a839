"""The refusals of a change of factors."""

from __future__ import annotations

from .row import Reason, Sentence

ROWS = (
    Reason(
        word="not_enrollable",
        status=422,
        title="This cannot be set up here",
        text="Your organization does not offer it. Choose another way.",
        beside_form=Sentence("Your organization does not offer that. Choose another way."),
    ),
    Reason(
        word="no_contact",
        status=422,
        title="There is no contact on file",
        text="Ask your administrator to add one, or for an enrollment ticket.",
        beside_form=Sentence("There is no contact on file for you. Ask your administrator to add one."),
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
        title="That number is from a country that is not accepted",
        text="Enter a number from an accepted country.",
        beside_form=Sentence(
            "That number is from a country that is not accepted. Enter another one.",
            detailed="That number is from another country. Only numbers from these are accepted: %(detail)s.",
        ),
    ),
    Reason(
        word="phone_type",
        status=422,
        title="That kind of number cannot be used",
        text="Enter a mobile number of your own.",
        beside_form=Sentence(
            "That kind of number cannot be used. Enter a mobile number of your own.",
            by_detail={
                "toll-free": "That is a toll-free number. It cannot get text messages from us. Enter a mobile number.",
                "premium-rate": "That is a premium number. Enter a mobile number of your own.",
                "satellite": "That number belongs to no country. Enter a mobile number of your own.",
            },
        ),
    ),
    Reason(
        word="phone_invalid",
        status=422,
        title="That is not a phone number",
        text="Enter the number with its area code.",
        beside_form=Sentence("We cannot read that as a phone number. Enter it with its area code."),
    ),
    Reason(
        word="phone_extension",
        status=422,
        title="That number has an extension",
        text="Codes cannot reach an extension. Enter a number without one.",
        beside_form=Sentence("We cannot send codes to an extension. Enter a number that reaches you directly."),
    ),
    Reason(
        word="label_taken",
        status=422,
        title="That name is in use",
        text="Choose a name that you do not use yet.",
        beside_form=Sentence("You use that name already. Choose another one."),
    ),
    Reason(
        word="last_factor",
        status=422,
        title="This is the last one",
        text="Your organization requires one. Set up another one first.",
        beside_form=Sentence("This is your last one, and your organization requires one. Add another one first."),
    ),
    Reason(
        word="already_enrolled",
        status=422,
        title="This is set up already",
        text="Remove the old one first, or choose another way.",
        beside_form=Sentence("That is set up already. Remove the old one first, or choose another way."),
    ),
    Reason(
        word="too_many",
        status=422,
        title="There are too many",
        text="Remove one that you no longer use.",
        beside_form=Sentence("You have too many of them. Remove one that you no longer use."),
    ),
)
