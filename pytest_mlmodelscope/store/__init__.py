"""What is kept of a run besides its record."""
