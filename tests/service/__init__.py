"""Tests of ``mfa_gate.service``."""
