"""Results that were measured elsewhere, as a table: read, and judged by rules with stated error rates."""
