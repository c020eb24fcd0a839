"""Tests of ``mfa_gate.core.messages``."""
