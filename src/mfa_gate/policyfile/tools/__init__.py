"""Work on a finished policy: explain, compare, test, and show its effects."""
