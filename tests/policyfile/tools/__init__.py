"""Tests of ``mfa_gate.policyfile.tools``."""
