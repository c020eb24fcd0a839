"""The branches that no test reaches.

Each room has a least share; what is left has a reason.
"""
