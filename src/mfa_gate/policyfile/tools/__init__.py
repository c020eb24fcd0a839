"""Commands over a policy: explain, compare, test, and show what it would do."""
