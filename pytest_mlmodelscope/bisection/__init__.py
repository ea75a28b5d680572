"""What made the difference between two measurements: swap one thing at a time, and say what each is worth."""
