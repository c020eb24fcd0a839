"""Keep the people of the example, their passwords and the tokens of their clients."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from .database import Database

__all__ = ["ACCOUNTS", "PASSWORD", "TENANTS", "Account", "Accounts", "token_digest"]

PASSWORD = "demo-password"
TENANTS = ("assessments", "practice", "clinic", "screening", "finance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Describe one person of one organization. ``role`` is for people, ``groups`` for rules."""

    email: str
    tenant: str
    name: str
    role: str
    groups: tuple[str, ...]
    phone: str

    @property
    def is_patient(self) -> bool:
        """Tell if this person belongs in the portal and not in the app."""
        return "patient" in self.groups


_ROLES = {
    "user": ("User", ("member",)),
    "second": ("Second user", ("member",)),
    "admin": ("Administrator", ("member", "admin")),
    "admin2": ("Second administrator", ("member", "admin")),
    "support": ("Customer care, may look only", ("support",)),
}
_NAMES = {
    "assessments": ("Amara Okafor", "Ben Lindqvist", "Chloe Martin", "Dmitri Volkov", "Elena Rossi"),
    "practice": ("Farah Aziz", "Gareth Owens", "Hana Sato", "Ivan Petrov", "Julia Weber"),
    "clinic": ("Kofi Mensah", "Lucia Fernandez", "Maya Cohen", "Noah Jensen", "Olivia Brandt"),
    "screening": ("Priya Nair", "Quentin Dubois", "Rosa Alvarez", "Samuel Adeyemi", "Tara Novak"),
    "finance": ("Uma Krishnan", "Victor Hale", "Wendy Zhou", "Xavier Moreau", "Yara Haddad"),
}


def _people() -> tuple[Account, ...]:
    people: list[Account] = []

    def add(email: str, tenant: str, name: str, role: str, groups: tuple[str, ...]) -> None:
        phone = f"+1 202-555-{100 + len(people):04d}"
        people.append(Account(email=email, tenant=tenant, name=name, role=role, groups=groups, phone=phone))

    for tenant in TENANTS:
        for (mailbox, (role, groups)), name in zip(_ROLES.items(), _NAMES[tenant], strict=True):
            add(f"{mailbox}@{tenant}.example", tenant, name, role, groups)
    add("patient@clinic.example", "clinic", "Zoe Park", "Patient", ("patient",))
    add("security@example.org", "example", "Sam Rivera", "Security team, everywhere", ("security",))
    return tuple(people)


ACCOUNTS = _people()
_BY_EMAIL = {account.email: account for account in ACCOUNTS}


COST = 2**14
"""The work of one digest of a password: 16 MB, and a twentieth of a second."""


class Accounts:
    """Check passwords and tokens in the app's own file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seed(self) -> None:
        """Give everybody without a password the published one."""
        if len(self._database.rows("SELECT 1 FROM passwords")) == len(ACCOUNTS):
            return
        # One salt for all of them is no loss: they share a password that this file prints.
        salt = secrets.token_bytes(16)
        digest = _digest(PASSWORD, salt)
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO passwords (email, salt, digest) VALUES (?, ?, ?)",
                [(account.email, salt, digest) for account in ACCOUNTS],
            )

    def account(self, email: str) -> Account | None:
        """Find the person with exactly this e-mail address."""
        return _BY_EMAIL.get(email)

    def authenticate(self, username: str, password: str) -> Account | None:
        """Return the person, if the password is right.

        An unknown name takes as long as a known one.
        """
        account = _BY_EMAIL.get(username.strip().lower())
        rows = self._database.rows(
            "SELECT salt, digest FROM passwords WHERE email = ?", account.email if account else ""
        )
        salt, digest = rows[0] if rows else (b"nobody-has-this!", b"")
        return account if hmac.compare_digest(_digest(password, salt), digest) else None

    def set_temporary_password(self, email: str) -> str:
        """Replace the password of ``email`` by a fresh one, and return it.

        Every sign-in with the old password ends.
        """
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        salt = secrets.token_bytes(16)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE passwords SET salt = ?, digest = ?, version = version + 1 WHERE email = ?",
                (salt, _digest(password, salt), email),
            )
            connection.execute("DELETE FROM tokens WHERE email = ?", (email,))
        return password

    def password_version(self, email: str) -> int:
        """Count the changes of that password; a sign-in with an older count ends."""
        rows = self._database.rows("SELECT version FROM passwords WHERE email = ?", email)
        return int(rows[0][0]) if rows else 0

    def issue_token(self, account: Account, now: float) -> str:
        """Issue a token for a client without cookies; only its digest is kept."""
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO tokens (digest, email, issued_at) VALUES (?, ?, ?)",
                (token_digest(token), account.email, now),
            )
        return token

    def bearer(self, token: str) -> Account | None:
        """Find the person of a token."""
        rows = self._database.rows("SELECT email FROM tokens WHERE digest = ?", token_digest(token))
        return _BY_EMAIL.get(rows[0][0]) if rows else None


def token_digest(token: str) -> str:
    """Digest a token; the digest also names the sign-in towards the gate."""
    return hashlib.sha256(token.encode()).hexdigest()


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=8, p=1, dklen=32)
