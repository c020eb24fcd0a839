"""Send on every channel: deliver nothing and remember everything."""

from __future__ import annotations

from collections.abc import Mapping

from ..ports import Message, Senders

__all__ = ["Outbox"]


class Outbox:
    """Keep all messages, the oldest first, in ``messages``.

    ``MFAGate(senders=outbox.senders())``. ``failure`` is raised by every ``send`` while it is set (e.g.
    ``SendFailed("timeout", transient=True)``).
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"Outbox({len(self.messages)} messages)"

    def senders(self) -> Senders:
        """Return this outbox as the sender of every channel."""
        return Senders(email=self, sms=self, voice=self, push=self)

    async def send(self, message: Message, /) -> None:
        """Keep ``message``, or raise ``failure``."""
        if self.failure is not None:
            raise self.failure
        self.messages.append(message)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], /) -> bool:
        """Refuse every callback: nobody is called, so nobody calls back."""
        return False

    async def check(self) -> str:
        """Report no fault: it is always reachable."""
        return ""

    def to(self, address: str = "") -> list[Message]:
        """List the messages to ``address`` (an e-mail address, or a number in any spelling).

        "" lists all of them.
        """
        return [message for message in self.messages if not address or _is_same(message.to, address)]

    def last(self, to: str = "") -> Message:
        """Return the newest message (to ``to``). Raises ``LookupError`` if there is none."""
        found = self.to(to)
        if not found:
            raise LookupError(f"nothing was sent{f' to {to}' if to else ''}")
        return found[-1]

    def last_code(self, to: str = "") -> str:
        """Return the newest code (to ``to``). Raises ``LookupError`` if none was sent."""
        codes = [message.code for message in self.to(to) if message.code]
        if not codes:
            raise LookupError(f"no code was sent{f' to {to}' if to else ''}; {len(self.messages)} messages in all")
        return codes[-1]

    def clear(self) -> None:
        """Forget everything."""
        self.messages.clear()


def _is_same(one: str, other: str) -> bool:
    if "@" in one or "@" in other:
        return one.casefold() == other.casefold()
    digits = ["".join(char for char in text if char.isdecimal()) for text in (one, other)]
    return bool(digits[0]) and digits[0] == digits[1]
