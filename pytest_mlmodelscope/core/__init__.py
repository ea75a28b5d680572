"""Frozen data types, errors and versioned schemas: what every layer may import."""
