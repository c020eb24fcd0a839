"""What the person is told by e-mail when something about the account's second factor changes (S-87)."""

from __future__ import annotations

from ..text_safety import SMS_LENGTH, gsm7, one_line, unlinked
from .letters import N_, SUBJECT_LENGTH, EmailText, Part, Translate, asked_lines, dispute_link, fill, letter

SERVICE_LENGTH = 60
LINE_LENGTH = 100

_NOTICES: dict[str, tuple[str, str]] = {
    "factor.enrolled": (
        N_("A sign-in method was added"),
        N_("A new way to confirm that it is you was added to your {service} account."),
    ),
    "factor.removed": (
        N_("A sign-in method was removed"),
        N_("A way to confirm that it is you was removed from your {service} account."),
    ),
    "factor.changed": (
        N_("A sign-in method was changed"),
        N_("A way to confirm that it is you was renamed or made the default in your {service} account."),
    ),
    "backup_codes.made": (
        N_("New backup codes were made"),
        N_("New backup codes were made for your {service} account. The old ones no longer work."),
    ),
    "backup_code.used": (
        N_("A backup code was used"),
        N_("A backup code was used to sign in to your {service} account. It will not work again."),
    ),
    "browser.new_network": (
        N_("Sign-in from a new network"),
        N_("A browser that you use confirmed your sign-in to {service} from a network that is new to us."),
    ),
    "account.locked": (
        N_("Your account is locked"),
        N_("Your {service} account is locked. Only an administrator can unlock it. No codes are sent until then."),
    ),
    "account.unlocked": (
        N_("Your account is unlocked"),
        N_("An administrator unlocked your {service} account. You can sign in again."),
    ),
    "account.reset": (
        N_("Your sign-in methods were removed"),
        N_("An administrator removed every second sign-in method of your {service} account. Set up a new one soon."),
    ),
    "recovery.requested": (
        N_("Somebody asked for help with your account"),
        N_("Somebody who has lost access asked for help with your {service} account. An administrator will decide."),
    ),
    "recovery.refused": (
        N_("The request for help was refused"),
        N_("An administrator refused the request for help with your {service} account. Nothing was changed."),
    ),
    "break_glass.asked": (
        N_("A way in without your second step was asked for"),
        N_(
            "An administrator asked for a break-glass grant for your {service} account. A second one has to confirm it."
        ),
    ),
    "break_glass.granted": (
        N_("A way in without your second step was opened"),
        N_("Two administrators opened your {service} account for a few hours. A password is enough until then."),
    ),
    "break_glass.used": (
        N_("Your account was entered without your second step"),
        N_("A browser was let in to your {service} account by a break-glass grant."),
    ),
    "break_glass.ended": (
        N_("The way in without your second step has ended"),
        N_("The break-glass grant for your {service} account, or the request for one, has come to its end."),
    ),
    "proofs.revoked": (
        N_("You were signed out everywhere"),
        N_("Every browser has to confirm your sign-in to {service} again."),
    ),
    "enrollment.ticket": (
        N_("You may set up a sign-in method"),
        N_("An administrator gave leave to set up a second sign-in method for your {service} account."),
    ),
}

NOTICE_KINDS = frozenset(_NOTICES)


def notice(
    kind: str,
    *,
    service: str,
    when_text: str,
    translate: Translate,
    where: str = "",
    label: str = "",
    owner: str = "",
    dispute_url: str = "",
) -> EmailText:
    """The notice of ``kind`` (one of ``NOTICE_KINDS``), with what to do if it was somebody else.

    ``label`` is what the user called the thing; it and ``where`` stand in the body only, without links (S-54).
    ``owner`` is whom to tell, ``dispute_url`` our own page where "this was not me" can be said.

    Raises ``ValueError`` for another kind, or a ``dispute_url`` that is not one http(s) address.
    """
    if kind not in _NOTICES:
        raise ValueError(f"no notice is told of {kind!r}")
    headline, sentence = _NOTICES[kind]
    name = one_line(service, limit=SERVICE_LENGTH)
    subject = f"{name}: {fill(headline, translate)}" if name else fill(headline, translate)
    about = asked_lines(
        when_text=one_line(when_text, limit=LINE_LENGTH),
        where=unlinked(where, limit=LINE_LENGTH),
        label=unlinked(label),
        translate=translate,
    )
    parts = [Part(fill(sentence, translate, service=name))]
    if about is not None:
        parts.append(about)
    parts.append(Part(fill(N_("If this was you, there is nothing to do."), translate)))
    parts.append(not_you(owner=owner, translate=translate))
    if dispute_url:
        parts.append(Part(fill(N_("You can also tell us here that it was not you:"), translate)))
        parts.append(dispute_link(dispute_url))
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)


def not_you(*, owner: str, translate: Translate) -> Part:
    """What to do when it was somebody else."""
    helper = one_line(owner, limit=LINE_LENGTH)
    if not helper:
        return Part(
            fill(N_("If this was not you, change your password and tell your administrator at once."), translate)
        )
    return Part(
        fill(N_("If this was not you, change your password and tell {owner} at once."), translate, owner=helper)
    )


_SMS_NOTICE = N_("{headline}. If this was not you, tell your administrator at once.")


def sms_notice(kind: str, *, service: str, translate: Translate) -> str:
    """The notice of ``kind`` as one text message without a link; in English where the language has another alphabet.

    Raises ``ValueError`` for another kind.
    """
    if kind not in _NOTICES:
        raise ValueError(f"no notice is told of {kind!r}")
    headline, _ = _NOTICES[kind]
    name = gsm7(one_line(service, limit=SERVICE_LENGTH)).strip()
    for words in (translate, str):
        text = fill(_SMS_NOTICE, words, headline=fill(headline, words))
        full = f"{name}: {text}" if name else text
        if gsm7(full) == full and len(full) <= SMS_LENGTH:
            return full
    return gsm7(f"{headline}.")[:SMS_LENGTH]


def dispute_alarm(
    *,
    service: str,
    who: str,
    tenant: str,
    what: str,
    when_text: str,
    where: str,
    ref: str,
    translate: Translate,
) -> EmailText:
    """What the administrators are told when somebody said that something was not them."""
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("Somebody says: this was not me"), translate)
    facts = {
        N_("Account: {value}"): unlinked(who, limit=LINE_LENGTH),
        N_("Organization: {value}"): unlinked(tenant, limit=LINE_LENGTH),
        N_("What: {value}"): one_line(what, limit=LINE_LENGTH),
        N_("When: {value}"): one_line(when_text, limit=LINE_LENGTH),
        N_("Where: {value}"): unlinked(where, limit=LINE_LENGTH),
        N_("Reference: {value}"): one_line(ref, limit=LINE_LENGTH),
    }
    parts = [
        Part(
            fill(
                N_("Every sign-in of this account is confirmed anew, and its factors stay as they are for a day."),
                translate,
            )
        ),
        Part("\n".join(fill(line, translate, value=value) for line, value in facts.items() if value)),
        Part(fill(N_("Talk to the person. Lock the account if somebody else may know the password."), translate)),
    ]
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)


def trial(*, service: str, translate: Translate) -> EmailText:
    """The test message to an administrator who prepares to turn the second step on."""
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("A test message"), translate)
    parts = [
        Part(fill(N_("Codes and notices for your people will come this way."), translate)),
        Part(fill(N_("Go back to the page for your organization and press “It arrived”."), translate)),
    ]
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)


def reminder(*, service: str, url: str, translate: Translate) -> EmailText:
    """The mail to somebody who has nothing set up. ``url`` is our own page, "" where there is none to name."""
    name = one_line(service, limit=SERVICE_LENGTH)
    headline = fill(N_("Please set up your second step"), translate)
    parts = [
        Part(
            fill(
                N_("Your administrator asks you to set up a second step for signing in to {service}."),
                translate,
                service=name,
            )
        ),
        Part(fill(N_("It takes a minute: sign in as you always do, and follow the page."), translate)),
    ]
    if url:
        parts.append(dispute_link(url))
    subject = f"{name}: {headline}" if name else headline
    return letter(subject=one_line(subject, limit=SUBJECT_LENGTH), parts=parts)
