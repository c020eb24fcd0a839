"""Senders against real servers on this machine."""
