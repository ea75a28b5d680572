"""Usual mistakes before and after a model: one file per mistake."""
