"""The security team's desk."""
