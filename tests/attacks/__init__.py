"""What somebody tries who has the password and not the phone."""
