"""The policy file: reading, faults, and the commands about it."""
