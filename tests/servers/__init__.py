"""Real servers under one gate or several.

The subjects are outages, notices between workers, and several applications.
"""
