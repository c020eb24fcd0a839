"""Bytes from outside, mutated: each door of the gate answers them as it promises."""
