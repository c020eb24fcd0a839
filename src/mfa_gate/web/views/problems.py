"""The words for the problems of a form: a refusal's own, or those of the form itself."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.reasons import REASONS, Sentence

FORM_WORDS: Mapping[str, Sentence] = {
    "code_missing": Sentence("Enter the code."),
    "code_short": Sentence("That code is too short. Enter all of its digits."),
    "code_long": Sentence("That code is too long. Enter only the code itself."),
    "code_letters": Sentence("That doesn’t look like the code. Enter it exactly as you got it."),
    "phone_missing": Sentence("Enter your mobile number."),
    "label_missing": Sentence("Enter a name."),
    "choice_missing": Sentence("Choose one of the methods."),
    "saved_missing": Sentence("Save the codes somewhere safe, then tick the box. They’re shown only now."),
    "accept_missing": Sentence("Tick the box to accept, or decline."),
    "sure_missing": Sentence("Tick the box if it wasn’t you. If it was you, close this page."),
    "about_missing": Sentence("Tell your administrator what happened."),
    "text_long": Sentence("That is too long. Use at most %(detail)s characters."),
    "not_open": Sentence("It isn’t open yet. If your contacts changed, the wait began again: see below."),
    "ticket_missing": Sentence("Enter the set-up code."),
    "ticket_wrong": Sentence("That set-up code isn’t right, or it has expired. Ask for a new one."),
    "passkey_wrong": Sentence("That passkey wasn’t accepted. Try again, or choose another method."),
    "passkey_expired": Sentence("That took too long. Press the button and try again."),
    "passkey_nothing_sent": Sentence("That took too long. Press the button and try again."),
    "passkey_already_used": Sentence("That was already answered. Press the button and try again."),
    "passkey_malformed": Sentence("We couldn’t read your browser’s answer. Try again, or choose another method."),
    "request_wrong": Sentence("That wasn’t accepted. Ask again, or choose another method."),
    "request_expired": Sentence("There was no answer in time. Ask again, or choose another method."),
    "request_already_used": Sentence("That was already answered. Ask again, or choose another method."),
    "request_malformed": Sentence("Nothing is waiting for an answer. Ask again, then answer."),
    "request_nothing_sent": Sentence("Nothing is waiting for an answer. Ask again, then answer."),
    "account_changed": Sentence("This isn’t possible any more. The account has changed in the meantime."),
    "hours_stated": Sentence("Enter a whole number of hours, under 12."),
    "reason_stated": Sentence("Enter a reason on one line. It goes into the audit trail."),
    "reason_nameless": Sentence("The reason stays in the audit trail: leave out the person’s ID and name."),
    "sure_stated": Sentence("Tick the box, to confirm."),
    "ticket_stated": Sentence("Enter a ticket number."),
    "confirm_stated": Sentence("Type “%(detail)s” exactly, to confirm."),
    "factors_dead_end": Sentence("With this choice nobody could meet a rule of the policy: %(detail)s."),
    "other_site": Sentence("This came from another site, so we did nothing. If you meant it, send it from here."),
    "origin_untold": Sentence(
        "Your browser didn’t say which page sent this. Please send it again, or use another browser."
    ),
    "checklist_open": Sentence(
        "Finish the preparation first: some of its lines are not done yet.",
    ),
    "factors_stated": Sentence("Choose how people confirm."),
    "people_missing": Sentence("Choose people in the list first."),
    "request_stated": Sentence("Write a method and a path, such as GET /reports."),
    "address_stated": Sentence("Write one address, such as 192.0.2.7."),
    "at_stated": Sentence("Write a day or a moment, such as 2026-03-01T08:30Z."),
}
"""Problems of a form that are seen before anything is asked of the account.

``passkey_…`` and ``request_…`` are refusals of an answer that nobody types: of a passkey, and of a call or a phone.
"""

if FORM_WORDS.keys() & REASONS.keys():
    raise ValueError("a word of a form is a reason as well")


def sentence_of(word: str) -> Sentence | None:
    """Return the sentence of a form's word or of a reason. Raises ``KeyError``.

    None stands for a reason that is told by its title and text. The error means that the word is neither.
    """
    return FORM_WORDS[word] if word in FORM_WORDS else REASONS[word].beside_form
