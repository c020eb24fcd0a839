"""The five organizations' whole stories, in a real browser against the real example app."""
