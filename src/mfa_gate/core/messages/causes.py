"""The words for people of each reason that the gate itself writes into an event.

A reason in the trail is the sentence of a person, or a word of the program. To add a word, add its row: pages and mails
show the row, never the word. Reasons of refusals have their words in ``reasons``.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..reasons import REASONS
from .letter import N_, Translate, told

SIGNS: Mapping[str, str] = {
    "wrong_answers": N_("wrong codes came first"),
    "new_network": N_("a network that wasn’t used before"),
    "after_reset": N_("soon after a reset or a new password"),
}
"""The words of what speaks for a takeover."""

LOADS: Mapping[str, str] = {
    "start": N_("by a start of the application"),
    "file changed": N_("because the file changed"),
    "signal": N_("by a signal of the operator"),
    "application": N_("by the application itself"),
}
"""The words of what brought a policy into force."""

TRAIL_FAULTS: Mapping[str, str] = {
    text: text
    for text in (
        N_("this line was altered, or a line before it was removed, added or moved"),
        N_("this line stands at another place than the one that was signed"),
        N_("the lines from here on are gone"),
        N_("columns of the store say something else than the line"),
        N_("this line is of another tenant"),
        N_("this line has no key, and stands where every line has one"),
        N_("this line was chained with a key that is not listed"),
        N_("this line does not follow the signed head"),
        N_("lines that were written are not there any more, and the trail looks as if they never were"),
        N_("the head is not the last line’s"),
        N_("the signed head is of another line"),
        N_("the expected head is of another line"),
        N_("the signed head was altered"),
        N_("the signed head was removed"),
        N_("the signed head was set back, and lines behind it are gone"),
        N_("the signed beginning was altered"),
        N_("the first lines were removed, and nothing signed says so"),
        N_("the first lines were removed, and no event says so"),
        N_("the signed list of trails was altered"),
        N_("the signed list of trails was removed"),
        N_("a signed note was altered"),
    )
}
"""The words of what is wrong with a trail."""

_OWN: Mapping[str, str] = {
    # the end of a grant, of a request, of an act that waits
    "proof": N_("the person confirmed a sign-in"),
    "revoked": N_("every confirmation was ended"),
    "disputed": N_("the person said that something wasn’t them"),
    "reset": N_("the account was reset"),
    "over": N_("its time is over"),
    "expired": N_("its time is over"),
    "nobody stopped it": N_("nobody stopped it"),
    "contacts changed": N_("the contacts on file changed"),
    # locks
    "attempts": N_("the attempts are used up"),
    "rolling": N_("too many wrong answers within a month"),
    # changes of one's own
    "renamed": N_("renamed"),
    "default": N_("made the default"),
    "redeemed": N_("the set-up code was used"),
    "signed-out-everywhere": N_("signed out everywhere"),
    # signals of an identity provider
    "session-revoked": N_("the sign-in service ended the session"),
    "credential-change": N_("the sign-in service reports a changed credential"),
    "account-disabled": N_("the sign-in service disabled the account"),
    # messages
    "timeout": N_("no answer in time"),
    "unreachable": N_("the provider can’t be reached"),
    "refused": N_("the provider refused it"),
    "rejected-destination": N_("the provider doesn’t take this address or number"),
    "opted-out": N_("the recipient has stopped these messages"),
    "before_send": N_("the application refused it"),
    "per_destination": N_("too many to one address or number"),
    "per_range": N_("too many to similar numbers"),
    "per_network": N_("too many from one network"),
    "per_tenant": N_("too many in the organization"),
    "cap_per_day": N_("the day’s limit of costs is reached"),
    # the organization
    "trial": N_("a test to the administrator’s own address"),
    "reminder": N_("a reminder"),
    "announced": N_("marked as announced"),
    "tested": N_("marked as tested"),
    # the trail, the policy, clocks, tokens, the application
    "retention": N_("as long as the policy keeps lines"),
    "altered": N_("lines were changed or removed in the store"),
    "damaged": N_("the line at this place is damaged"),
    "faults": N_("it has faults"),
    "wrong": N_("it is not the one that was made"),
    "ahead": N_("an account is ahead of the clock"),
    "drift": N_("many people’s codes are off by the same time"),
    "store": N_("the store’s clock shows another time"),
    "user inside": N_("the application saw a user whom the gate did not see"),
}

WITH_A_VALUE = frozenset({"damaged", *TRAIL_FAULTS})
"""The words behind which a value may stand, after a colon."""

CAUSES: Mapping[str, str] = {**_OWN, **SIGNS, **LOADS, **TRAIL_FAULTS}


def words_of(cause: str, translate: Translate) -> str:
    """Say a reason of an event in the reader's language.

    The sentence of a person stays as it is.
    """
    if cause in CAUSES:
        return translate(CAUSES[cause])
    if cause in REASONS:
        return translate(REASONS[cause].title)
    word, colon, value = cause.partition(": ")
    return told(translate(CAUSES[word]), value, translate) if colon and word in WITH_A_VALUE else cause
