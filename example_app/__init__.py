"""Show mfa_gate in a product: five organizations, a sign-in of its own, and demo controls."""
