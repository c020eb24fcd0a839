"""Examine a gate as it is mounted, and print one verdict a line: ``mfa-gate doctor``."""
