"""Attacks by somebody who has the password and not the phone."""
