"""Settings of all recipes, from the environment."""

from __future__ import annotations

import os

from mfa_gate import RelyingParty

ORIGIN = os.environ.get("APP_ORIGIN", "http://localhost:8000")
STORE = os.environ.get("MFA_GATE_STORE", "sqlite:///mfa_gate.db")
KEYS = [os.environ["MFA_GATE_KEY"]]
SECRET = os.environ["SESSION_SECRET"]
PARTY = RelyingParty(id="localhost", name="Records", origins=[ORIGIN])
PASSWORD = "demo-password"
