"""Tell who is signed in: by the session cookie, or by the bearer token of a client."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from mfa_gate.core.model import Contacts, Subject

from .accounts import Account, Accounts, token_digest

__all__ = ["Identity", "SignedIn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Hold a person and the sign-in."""

    account: Account
    session: str


class Identity:
    """Answer the app and the gate alike, so that both always mean the same person."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def signed_in(self, connection: HTTPConnection) -> SignedIn | None:
        """Find the person; None for strangers.

        A token that is not good is nobody, whatever cookie is beside it.
        """
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            account = self._accounts.bearer(token.strip())
            return SignedIn(account=account, session=token_digest(token.strip())) if account else None
        session = connection.session
        account = self._accounts.account(session.get("user_id", ""))
        if account is None or session.get("password") != self._accounts.password_version(account.email):
            return None
        return SignedIn(account=account, session=session["sid"])

    def sign_in(self, connection: HTTPConnection, account: Account) -> None:
        """Start a new session for ``account``; nothing of an earlier one is kept."""
        connection.session.clear()
        connection.session.update(
            user_id=account.email,
            org=account.tenant,
            groups=list(account.groups),
            sid=secrets.token_urlsafe(16),
            password=self._accounts.password_version(account.email),
        )

    async def identify(self, connection: HTTPConnection) -> Subject | None:
        """Give the same answer as a ``Subject``, for the gate."""
        signed_in = self.signed_in(connection)
        if signed_in is None:
            return None
        account = signed_in.account
        return Subject(
            id=account.email, tenant=account.tenant, groups=frozenset(account.groups), session=signed_in.session
        )

    async def contacts(self, subject: Subject) -> Contacts:
        """Return the contacts on file of a person."""
        account = self._accounts.account(subject.id)
        if account is None or account.tenant != subject.tenant:
            return Contacts()
        return Contacts(name=account.name, email=account.email, phone=account.phone)
