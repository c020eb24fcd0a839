"""Tests of the impact of policies."""
