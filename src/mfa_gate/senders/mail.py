"""Mails as bytes: headers that are written here line by line, and parts of text only.

No header goes through the library's parser. Some of its versions decode encoded words (``=?…?=``) in an address and write
the result as it is, with line breaks.
"""

from __future__ import annotations

import re
import unicodedata
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate, parseaddr

from ..ports import Message
from .delivery import header_safe

MAX_ADDRESS = 254
MAX_LINE = 998
"""RFC 5322 2.1.1."""
FOLD_AT = 60

_PART = r"""[^\s@<>()\[\]\\,;:"\x00-\x20\x7f]"""
_ADDRESS = re.compile(rf"{_PART}{{1,64}}@{_PART}{{1,253}}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ENCODED = "=?"
_LINE = re.compile(rb"([A-Za-z-]+): [^\r\n]+(?:\r\n[ \t][^\r\n]+)*\r\n")
_OURS = (b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version")


class Unwritable(Exception):
    """A mail that cannot be written as asked for. The error's text quotes nothing of it."""


def is_writable(text: str) -> bool:
    """Tell whether ``text`` may stand in a header: one line of visible characters."""
    return not _UNPRINTABLE.search(text)


def mailbox_of(text: str) -> str | None:
    """Read one plain address, for envelope and header alike. None for everything else.

    The domain is written in ASCII if the part before the @ is ASCII, so that servers without SMTPUTF8 take it.
    """
    if len(text) > MAX_ADDRESS or not _ADDRESS.fullmatch(text) or not is_writable(text) or _ENCODED in text:
        return None
    local, _, domain = text.rpartition("@")
    if any(unicodedata.category(char) in ("Cf", "Zs", "Cn", "Co") for char in text):
        return None
    if not domain.isascii():
        ascii_domain = _ascii_form(domain)
        if ascii_domain is None:
            return None
        text = f"{local}@{ascii_domain}" if local.isascii() else text
    # The SMTP library parses the address again with this function: both must agree.
    return text if len(text) <= MAX_ADDRESS and parseaddr(text)[1] == text else None


def _ascii_form(domain: str) -> str | None:
    """Write a domain in A-labels (RFC 5891). No letter is replaced by another one."""
    labels = []
    for label in unicodedata.normalize("NFC", domain.lower()).split("."):
        if not label.isascii():
            if not all(char.isalnum() or char == "-" or unicodedata.category(char).startswith("M") for char in label):
                return None
            if unicodedata.normalize("NFKC", label) != label:
                return None
            label = "xn--" + label.encode("punycode").decode("ascii")
        if not 0 < len(label) < 64:
            return None
        labels.append(label)
    return ".".join(labels)


def sender_of(text: str) -> tuple[str, str] | None:
    """Read a From address, with or without a name. Returns (header, plain address), or None."""
    name, address = parseaddr(text)
    if not is_writable(text) or _ENCODED in text or not address.isascii() or mailbox_of(address) != address:
        return None
    return (formataddr((name, address)), address)


def written(message: Message, *, sender: str, domain: str, to: str, now: float) -> bytes:
    """Write the mail. Raises ``Unwritable``.

    ``to`` comes from ``mailbox_of``, ``sender`` from ``sender_of``. ``now`` is UTC seconds for the Date header.
    """
    if not is_writable(message.subject):
        raise Unwritable("the subject holds a line break or a control character")
    body = EmailMessage(policy=SMTP)
    body.set_content(message.text)
    if message.html:
        body.add_alternative(message.html, subtype="html")
    headers = {
        "From": sender,
        "To": _quoted(to),
        "Subject": _encoded(message.subject),
        "Date": formatdate(now),
        "Message-ID": f"<{header_safe(message.key)}@{domain}>",
        "Auto-Submitted": "auto-generated",
    }
    block = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value).encode()
    mail = block + body.as_bytes()
    _require_ours(mail)
    return mail


def _quoted(mailbox: str) -> str:
    """Write an address for a header, with quotation marks around odd dots (RFC 5322 3.4.1)."""
    local, _, domain = mailbox.rpartition("@")
    odd = local.startswith(".") or local.endswith(".") or ".." in local
    return f'"{local}"@{domain}' if odd else mailbox


def _encoded(subject: str) -> str:
    """Encode a subject (RFC 2047) that is not ASCII, is long, or looks like an encoded one."""
    if subject.isascii() and len(subject) <= FOLD_AT and _ENCODED not in subject and subject == subject.strip():
        return subject
    return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _require_ours(mail: bytes) -> None:
    """Check the finished headers. Raises ``Unwritable``.

    Only our headers may stand there, each once, with no bare line break and no line that is too long.
    """
    head = mail.partition(b"\r\n\r\n")[0] + b"\r\n"
    names = [found[1] for found in _LINE.finditer(head)]
    whole = sum(len(found[0]) for found in _LINE.finditer(head)) == len(head)
    ours = [name for name in names if not name.startswith(b"Content-")]
    known = all(name in _OURS for name in ours) and len(set(names)) == len(names)
    if not whole or not known or any(len(line) > MAX_LINE for line in head.split(b"\r\n")):
        raise Unwritable("the headers are not as they should be")
