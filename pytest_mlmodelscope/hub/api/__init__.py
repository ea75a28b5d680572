"""REST: one file for each thing that it speaks of, each with a ``router``."""
