"""Approving on the phone: the browser shows a number, the phone types it and signs the answer with a key of its own."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.assurance import Traits
from ..core.model import Challenge, Fields, Seconds
from ..core.options import PLAIN, length, number, option
from ..core.rules import CountRules, Rules
from .base import (
    COLLECT,
    Accepted,
    CodeShape,
    Context,
    Delivery,
    Draft,
    Issue,
    Joined,
    OptionFault,
    Rejected,
    collect,
    options_in,
)
from .codes import read_digits
from .device_key import is_key, is_signed, signed_text
from .tokens import digest_of, make_token, name_anew

NUMBER = "push-number"
WAKE = "push-wake"
LINK = "push-link"
JOIN = "join"
DEVICE = "device"
TOKEN_KEY = "token_key"  # noqa: S105 - a name, no secret
JOIN_LIFE = 600
"""Seconds in which a phone can scan the picture, and in which the try-out can be answered."""
MAX_COLLECT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRules:
    """``[factors.push]``: number matching."""

    digits: int = option(2, number(2, 6, "higher"), "How many digits the number has.")
    ttl: Seconds = option(Seconds(60), length("15s", "10m", "lower"), "How long a request waits for its answer.")
    max_per: CountRules = option(CountRules(), PLAIN, "How many requests one person may have sent.")


class Push:
    """``push``. Data: the phone's public key, the digest of its token and the id of the key that seals it, its name, and
    (sealed) where it can be woken.

    A draft before the scan: the digest of the token in the picture, and the token (sealed). A challenge: the number
    (sealed; the phone never gets it), where and with which browser somebody asks.
    """

    traits = Traits(
        kind="push",
        name="Approve on your phone",
        needs_challenge=True,
        sends="push",
        fetched=True,
        typed=False,
        amr=("pop", "mca"),
    )
    options = PushRules
    template = Path(__file__).with_suffix(".html")
    sealed: Mapping[str, str] = {"link": LINK, "wake": WAKE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Nothing is typed into the browser."""
        return None

    def departures(self, rules: Rules, profile: str, /) -> Sequence[OptionFault]:
        """NIST wants six digits of a secret that crosses channels."""
        digits = _rules(rules).digits
        if profile != "nist-aal2" or digits >= 6:
            return ()
        text = f"{digits} digits; a secret that crosses channels has six or more"
        return (OptionFault(key=("digits",), text=text, clause="SP 800-63B-4 3.1.3.2"),)

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """A token for the one phone that scans it."""
        named = name_anew(context, JOIN)
        data = {
            JOIN: digest_of(JOIN, named),
            "link": context.seal(LINK, make_token(context, JOIN, named)),
            "until": context.now + JOIN_LIFE,
        }
        return Draft(data=data, label=self.traits.name)

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """The address for the phone, until one has come; then that phone's name."""
        if "key" in data:
            return {"device": str(data["phone"])}
        return {"uri": f"{context.public}/approve#e={context.open(LINK, data['link'])}"}

    def hint(self, context: Context, data: Fields, /) -> str:
        """The phone has a name; where a request goes is nobody's business."""
        return ""

    def limits(self, rules: Rules, /) -> CountRules | None:
        """``[factors.push] max_per``."""
        return _rules(rules).max_per

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """A request with a number. One lives at a time; the try-out of an enrollment lives as long as its picture."""
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
        """The number, for the browser that asked and no one else (S-95)."""
        return {"number": context.open(NUMBER, challenge.data["number"])} if challenge.status == "pending" else {}

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Any short text: the browser only asks whether the phone has answered."""
        return COLLECT if isinstance(response, str) and len(response) <= MAX_COLLECT else None

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """The phone approved this request."""
        if "key" not in data:
            return Rejected(reason="pending", free=True)
        return collect(context, challenges, data, label=str(data["phone"]))

    # -- what the phone does ---------------------------------------------------------------------------------------

    def join(
        self, context: Context, /, *, data: Fields, token: str, key: str, signature: str, label: str
    ) -> Joined | Rejected:
        """The phone that scanned the picture shows a key, and that it can sign with it. From then on the token is void."""
        if context.now >= int(str(data["until"])):
            return Rejected(reason="code_expired", free=True)
        if not is_key(key):
            return Rejected(reason="malformed", free=True)
        if not is_signed(key, signature, signed_text(context.host, ("join", token, key))):
            return Rejected(reason="not_allowed", free=True)
        named = name_anew(context, DEVICE)
        joined = {DEVICE: digest_of(DEVICE, named), "key": key, "phone": label, TOKEN_KEY: context.keyring.newest}
        return Joined(data=joined, device=make_token(context, DEVICE, named))

    def is_signed(self, context: Context, /, *, data: Fields, signature: str, words: Sequence[str]) -> bool:
        """Whether the phone's key signed these words for this relying party."""
        return is_signed(str(data.get("key", "")), signature, signed_text(context.host, words))

    def read_number(self, context: Context, /, *, challenge: Challenge, number: str) -> str | None:
        """Digits of exactly the number's length."""
        return read_digits(number, len(context.open(NUMBER, challenge.data["number"])))

    def is_number(self, context: Context, /, *, challenge: Challenge, number: str) -> bool:
        """Whether it is the number that the browser shows."""
        return hmac.compare_digest(context.open(NUMBER, challenge.data["number"]).encode(), number.encode())

    def waking(self, context: Context, /, *, data: Fields, subscription: str) -> Fields:
        """The address at the browser's push service, sealed."""
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
    """A push that says no more than that somebody waits: what, who and where is fetched by the phone, and signed for."""
    if "wake" not in data:
        return None
    text = context.translate("Somebody wants to sign in. Open this to answer.")
    return Delivery(channel="push", to=context.open(WAKE, data["wake"]), subject=context.service, text=text)
