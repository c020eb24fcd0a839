"""Tests of exports, imports and other work on a whole store."""
