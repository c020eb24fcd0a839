"""The kit for the tests of hosts."""
