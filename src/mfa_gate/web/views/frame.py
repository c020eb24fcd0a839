"""The parts that every page shows: its frame, the problems of a form, a notice, a way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ...core.rules import BrandRules

RTL = frozenset(
    (
        *("ar", "ckb", "dv", "fa", "he", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"),
        *("Adlm", "Arab", "Hebr", "Nkoo", "Syrc", "Thaa"),
    )
)
"""Languages and scripts from right to left. A host's catalogue may be in any of them."""

Why = Literal["no_proof", "expired", "ip_changed", "step_up", "revoked"]
Sending = Literal["none", "unsent", "sent", "failed", "off"]


@lru_cache(maxsize=64)
def direction(lang: str) -> str:
    """Return the direction of a language: by the tag's script, else by the language itself."""
    language, *more = lang.split("-")
    script = next((part for part in more if len(part) == 4), language)
    return "rtl" if script in RTL else "ltr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem of a form that was sent.

    ``reason`` is a word of ``core.reasons`` or of ``views.problems``. ``field`` is the form field that it belongs to
    (empty: the whole page). ``seconds`` is the time to wait (``too_soon``). ``detail`` is a name that the text
    mentions: the countries that are accepted (``phone_region``: "United States"), or the kind of number
    (``phone_type``: ``toll-free``). ``about`` is another name in it: the country of the number.
    """

    reason: str
    field: str = ""
    seconds: int = 0
    detail: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice of an act that was just done, shown once.

    ``word``: ``sent``, ``asked`` (a call or a request, no code), ``renamed``, ``removed``, ``default``, ``added``, ``forgotten``,
    ``codes_made``, ``skipped``, ``backup_used`` (``count`` are left), ``reported``, ``language``, ``contact_proven``,
    ``stopped``, ``draft_over``, ``wait`` (``count`` seconds until another code can be sent), ``others_forgotten`` (``count``
    browsers).
    ``value`` is the label or the masked destination that the notice is about. ``owner`` names the person to the
    browser's own store of passkeys, after a passkey was removed.
    """

    word: str
    value: str = ""
    count: int = 0
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language that can be chosen: its tag and its own name."""

    tag: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The frame around every page.

    ``form_id`` is new on every page: a form that is sent twice is known by it.
    ``prefix`` holds the root path. ``assets`` is the address of the static files, with a slash at its end; empty: below
    ``prefix``. ``here`` is this page's own GET address, and ``kept`` the rest of its query: the language links are
    ``here?lang=de&q=…``.
    ``person`` is the name of the signed-in person, empty for nobody. ``sign_out_posts`` says that the host's sign-out is a
    form with a button, and no link. ``note`` is the sealed note of the interrupted request, which the forms of the page send along;
    empty where the address has it, or there is none. ``unsent`` tells that a form was stopped, and if it is kept.
    """

    prefix: str
    now: int
    assets: str = ""
    csrf_token: str = ""
    note: str = ""
    form_id: str = ""
    brand_name: str = ""
    brand: BrandRules = BrandRules()
    logo: str = ""
    logo_dark: str = ""
    help_url: str = ""
    contact: str = ""
    owner: str = ""
    person: str = ""
    sign_out: str = ""
    sign_out_posts: bool = False
    here: str = ""
    kept: str = ""
    lang: str = "en"
    languages: tuple[Language, ...] = ()
    dev: bool = False
    notice: Notice | None = None
    problems: tuple[Problem, ...] = ()
    unsent: Literal["", "lost", "kept"] = ""

    @property
    def dir(self) -> str:
        """Return the direction of the page's text: by the tag's script, else by its language."""
        return direction(self.lang)

    def problem(self, field: str) -> Problem | None:
        """Return the first problem of a form field."""
        for problem in self.problems:
            if problem.field == field:
                return problem
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to confirm.

    It is an authenticator of the person (``id``), or a kind that can be set up (``id`` empty). ``hint`` is the masked
    destination, or the whole one where the policy does not mask. ``last`` marks the way that worked last in this
    browser. ``off`` marks a way that cannot be sent at the moment.
    """

    kind: str
    id: str = ""
    label: str = ""
    hint: str = ""
    last: bool = False
    off: bool = False
