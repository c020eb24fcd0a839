"""Apps of other people, from PyPI, as they are, with the gate around them in a few lines."""
