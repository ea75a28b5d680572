"""What runs inside a framework's environment: stdlib and numpy only, in Python 3.6's syntax."""
