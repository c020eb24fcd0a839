"""The rules, without a world: pure functions over frozen values (no I/O, clock, randomness or logging)."""
