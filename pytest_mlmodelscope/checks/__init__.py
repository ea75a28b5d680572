"""Checks, one file each: what a model promises for whatever input it is given."""
