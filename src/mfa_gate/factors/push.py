"""Approving on the phone: the browser shows a number, the phone types it and signs.

The phone signs its answer with a key of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..core.assurance import Traits
from ..core.model import Challenge, Fields, Seconds
from ..core.options import PLAIN, length, number, option
from ..core.rules import CountRules, Rules
from .base import COLLECT, Accepted, CodeShape, Context, Delivery, Draft, Issue, Rejected, collect, options_in
from .codes import read_digits
from .device_key import is_key, is_signed, signed_text
from .optional_parts import Joined, OptionFault
from .tokens import digest_of, make_token, name_anew

NUMBER = "push-number"
WAKE = "push-wake"
LINK = "push-link"
JOIN = "join"
DEVICE = "device"
ONLY_DRAFTS = (JOIN, "until")
"""Members of a draft's data that an authenticator has not."""
TOKEN_KEY = "token_key"  # noqa: S105 - a name, no secret
JOIN_LIFE = 600
"""Seconds in which a phone can scan the picture, and in which the try-out can be answered."""
MAX_COLLECT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRules:
    """``[factors.push]``: number matching."""

    digits: int = option(2, number(2, 6, "higher"), "Digits of the number that is typed on the phone.")
    ttl: Seconds = option(Seconds(60), length("15s", "10m", "lower"), "Time for which a request can be approved.")
    max_per: CountRules = option(CountRules(), PLAIN, "How many requests one person's phone may get.")


class Push:
    """Check ``push``, the approval on the phone.

    Data: the phone's public key, the digest of its token and the id of the key that seals it, its name, and (sealed) the
    address that wakes it. A draft: the digest of the token in the picture and its end, and before the scan the token
    (sealed). A challenge: the number (sealed; the phone never gets it), the network and the browser of the request.
    """

    traits = Traits(
        kind="push",
        quick=True,
        name="Approve on your phone",
        needs_challenge=True,
        sends="push",
        fetched=True,
        typed=False,
    )
    options = PushRules
    template = files("mfa_gate.factors").joinpath("push.html")
    about = "Approval on the phone, by a number that is typed there."
    sealed: Mapping[str, str] = {"link": LINK, "wake": WAKE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe nothing: no code is typed into the browser."""
        return None

    def departures(self, rules: Rules, profile: str, /) -> Sequence[OptionFault]:
        """Find fewer than six digits: a secret that crosses channels has six, or 20 bits."""
        digits = _rules(rules).digits
        clause = {"nist-aal2": "SP 800-63B-4 3.1.3.2", "asvs-l2": "ASVS 5.0 6.5.4"}.get(profile)
        if clause is None or digits >= 6:
            return ()
        text = f"{digits} digits; a secret that crosses channels has six or more"
        return (OptionFault(key=("digits",), text=text, clause=clause),)

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Make a token for the one phone that scans it."""
        named = name_anew(context, JOIN)
        data = {
            JOIN: digest_of(JOIN, named),
            "link": context.seal(LINK, make_token(context, JOIN, named)),
            "until": context.now + JOIN_LIFE,
        }
        return Draft(data=data, label=self.traits.name)

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Show the address for the phone; once a phone has come, its name."""
        if "key" in data:
            return {"device": str(data["phone"])}
        return {"uri": f"{context.public}/approve#e={context.open(LINK, data['link'])}"}

    def hint(self, context: Context, data: Fields, /) -> str:
        """Give no destination: the phone has a name."""
        return ""

    def limits(self, rules: Rules, /) -> CountRules | None:
        """Read ``[factors.push] max_per``."""
        return _rules(rules).max_per

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Make a request with a number.

        One lives at a time; the try-out of an enrollment lives as long as its picture.
        """
        rules = _rules(context.rules)
        trying = context.purpose == "enroll"
        number = str(int.from_bytes(context.draw("number", 16)) % 10**rules.digits).zfill(rules.digits)
        asked = {
            "elsewhere": True,
            "number": context.seal(NUMBER, number),
            "where": context.where,
            "agent": context.agent,
        }
        return Issue(
            data=asked,
            ttl=JOIN_LIFE if trying else rules.ttl,
            live=1,
            counts=not trying,
            delivery=_wake_up(context, data) if not trying else None,
            show={"number": number},
        )

    def face(self, context: Context, challenge: Challenge, /) -> Mapping[str, str]:
        """Show the number to the browser that asked and to no other (S-95)."""
        return {"number": context.open(NUMBER, challenge.data["number"])} if challenge.status == "pending" else {}

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read any short text: the browser only asks if the phone has answered."""
        return COLLECT if isinstance(response, str) and len(response) <= MAX_COLLECT else None

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Accept where the phone approved this request."""
        if "key" not in data:
            return Rejected(reason="pending", free=True)
        kept = {name: value for name, value in data.items() if name not in ONLY_DRAFTS}
        return collect(context, challenges, kept, label=str(data["phone"]))

    # -- what the phone does ---------------------------------------------------------------------------------------

    def join(
        self, context: Context, /, *, data: Fields, token: str, key: str, signature: str, label: str
    ) -> Joined | Rejected:
        """Take the key of the phone that scanned the picture, and check that it can sign with it.

        From then on the token is void for every other key. The same key may join again: the first answer may be lost on
        the way.
        """
        if context.now >= int(str(data["until"])):
            return Rejected(reason="code_expired", free=True)
        if not is_key(key):
            return Rejected(reason="malformed", free=True)
        if not is_signed(key, signature, signed_text(context.host, ("join", token, key))):
            return Rejected(reason="not_allowed", free=True)
        if data.get("key", key) != key:
            return Rejected(reason="code_expired", free=True)
        named = name_anew(context, DEVICE)
        kept = {name: data[name] for name in ONLY_DRAFTS}
        joined = {
            DEVICE: digest_of(DEVICE, named),
            "key": key,
            "phone": label,
            TOKEN_KEY: context.keyring.newest,
            **kept,
        }
        return Joined(data=joined, device=make_token(context, DEVICE, named))

    def is_signed(self, context: Context, /, *, data: Fields, signature: str, words: Sequence[str]) -> bool:
        """Check that the phone's key signed these words for this relying party."""
        return is_signed(str(data.get("key", "")), signature, signed_text(context.host, words))

    def read_number(self, context: Context, /, *, challenge: Challenge, number: str) -> str | None:
        """Read digits of exactly the number's length."""
        return read_digits(number, len(context.open(NUMBER, challenge.data["number"])))

    def is_number(self, context: Context, /, *, challenge: Challenge, number: str) -> bool:
        """Compare the typed number with the one that the browser shows."""
        return hmac.compare_digest(context.open(NUMBER, challenge.data["number"]).encode(), number.encode())

    def waking(self, context: Context, /, *, data: Fields, subscription: str) -> Fields:
        """Keep the address at the browser's push service, sealed."""
        kept = {name: value for name, value in data.items() if name != "wake"}
        return {**kept, "wake": context.seal(WAKE, subscription)} if subscription else kept

    def naming(self, *, data: Fields, key_id: str) -> Fields:
        """Keep the key's id beside the token's digest."""
        return {**data, TOKEN_KEY: key_id}

    def key_id_of(self, data: Fields, /) -> str:
        """Read the id of the key that seals the token which the phone used last."""
        return str(data.get(TOKEN_KEY, ""))


def _rules(rules: Rules) -> PushRules:
    return options_in(rules, Push.traits.kind, PushRules)


def _wake_up(context: Context, data: Fields) -> Delivery | None:
    """Write a push that says no more than that somebody waits.

    The phone fetches everything else, and signs for it.
    """
    if "wake" not in data:
        return None
    text = context.translate("Somebody wants to sign in. Open this to answer.")
    page = f"{context.public}/approve" if context.public else ""
    return Delivery(channel="push", to=context.open(WAKE, data["wake"]), subject=context.service, text=text, url=page)
