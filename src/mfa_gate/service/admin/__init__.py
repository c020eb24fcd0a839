"""Use cases of administrators and support: each asks for the right first."""
