"""Benchmarks; ``python3 tests/run.py --bench`` runs every one and prints its table."""
