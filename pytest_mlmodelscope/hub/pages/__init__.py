"""Web pages: one file for each, each with a ``router``."""
