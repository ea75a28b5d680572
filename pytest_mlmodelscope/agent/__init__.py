"""The owner of a worker: finds or builds its environment, starts it, watches it, ends it."""
