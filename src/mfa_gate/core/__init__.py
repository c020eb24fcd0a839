"""The rules as pure functions over frozen values: no I/O, clock, randomness or logging."""
