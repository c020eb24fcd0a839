"""A product somebody would use, behind mfa_gate: five organizations, their own sign-in, and a page of demo controls."""
