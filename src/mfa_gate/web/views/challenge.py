"""The views of the challenge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .frame import Sending, Way, Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The page ``/challenge/{authenticator}``: prove this one.

    It posts ``code``, ``challenge`` and ``remember``, or ``action=send``.

    ``sending`` is ``none`` for a factor that sends nothing, and ``off`` where nothing can be sent at the moment. ``cause`` is
    the reason of the sender if it is ``failed``, "" where nobody tells it.
    ``remaining`` is shown when it is not None (after a failure). ``remember_for`` 0 hides the question. ``others`` are
    strongest first. ``public_key`` is the JSON of a WebAuthn request; the answer is posted as ``code``. ``number`` is
    the number to type on the phone. A waiting page asks ``poll_url`` if there was an answer. ``public`` is the address of
    our own pages as a phone reaches them, "" if it is not known. ``prompt``: the browser may ask for the passkey without a
    press, once. ``asked_at`` is the time of a request to set up anew, which a proof stops; 0 where none waits.
    ``moved_to`` is the contact on file, where the code goes to an earlier one. ``action`` names what a step-up is asked
    for, in the words of the policy; ``asked_by`` is the rule that asks, where it is one of ours.
    """

    template: ClassVar[str] = "challenge.html"
    way: Way
    why: Why
    max_age: int = 604_800
    sending: Sending = "none"
    cause: str = ""
    sent_at: int = 0
    expires_at: int = 0
    resend_at: int = 0
    challenge: str = ""
    digits: int = 6
    others: tuple[Way, ...] = ()
    recovery: bool = True
    remember_for: int = 604_800
    remember: bool = True
    remaining: int | None = None
    waiting: bool = False
    number: str = ""
    public: str = ""
    poll_url: str = ""
    public_key: str = ""
    passkey: str = ""
    prompt: bool = False
    asked_at: int = 0
    moved_to: str = ""
    action: str = ""
    asked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeHelp:
    """The page ``/challenge/help`` for a person who did not get a code (U-16).

    Enrollment has the same question. ``send_url`` takes POST ``action=send`` (with ``enrollment`` where set); empty:
    nothing can be sent again. ``change_url`` leads to another number, while enrolling. ``waiting``: no code was sent, but a
    call or a request. ``public`` is the address of our own pages as a phone reaches them.
    """

    template: ClassVar[str] = "challenge_help.html"
    way: Way
    back: str
    send_url: str = ""
    enrollment: str = ""
    change_url: str = ""
    public: str = ""
    sent_at: int = 0
    resend_at: int = 0
    waiting: bool = False
    others: tuple[Way, ...] = ()
    recovery: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAgain:
    """The page that asks for a new sign-in at the identity provider.

    The sign-in there was the second factor, and does not count here any more: ``why`` is the challenge's reason.
    ``again`` asks the provider for a new sign-in, and leads back; empty where the host makes no such address. ``sign_out``
    and ``sign_in`` are the host's own, empty where it has none. ``action`` and ``asked_by`` are those of the challenge.
    """

    template: ClassVar[str] = "sign_in_again.html"
    why: Why
    max_age: int = 604_800
    again: str = ""
    sign_in: str = ""
    sign_out: str = ""
    action: str = ""
    asked_by: str = ""
