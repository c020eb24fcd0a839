"""Use cases of an operator who has the store and the keys at hand."""
