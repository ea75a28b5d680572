"""Published machine-learning claims as executable tests.

The package is imported in every pytest run of its user's environment, so this
module imports nothing.
"""

__version__ = "0.1.0"
