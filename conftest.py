"""The root of the claims and the tests. What the tests share is in ``tests/conftest.py``.

Options, fixtures and hooks for claims come from the plugin itself. Nothing here may forbid running
the bundled claims of an environment that lies below this folder, as ``pytest_plugins`` would.
"""
