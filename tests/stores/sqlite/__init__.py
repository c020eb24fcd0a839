"""Tests of ``mfa_gate.stores.sqlite``."""
