"""Tests of ``mfa_gate.core.changes``."""
