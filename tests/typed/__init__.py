"""Type checkers read these files; nothing in them is run."""
