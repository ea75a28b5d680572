"""Plain Python: a function or an object of a pinned package."""
