"""MXNet: a graph as JSON, and its weights."""
