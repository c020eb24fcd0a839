"""Tests of ``mfa_gate.stores.common``."""
