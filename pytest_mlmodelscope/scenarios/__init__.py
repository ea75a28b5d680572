"""Load patterns, one file each; they run inside the worker."""
