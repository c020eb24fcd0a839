"""Tests of ``mfa_gate.stores.redis``."""
