"""The adapters, each against the library whose user it finds."""
