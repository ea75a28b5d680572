"""The wiring: from a case to its result. ``run`` is its door."""
