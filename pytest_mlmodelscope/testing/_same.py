"""Whether two values are the same: arrays in type, shape and figures, all else by equality."""

from __future__ import annotations

from typing import Any

import numpy as np


def assert_same(found: Any, expected: Any, tolerance: float = 0.0) -> None:
    """Assert that a value is the one expected, its floating-point figures within an absolute tolerance."""
    if isinstance(expected, np.ndarray):
        assert isinstance(found, np.ndarray), f"expected an array, got {type(found).__name__}"
        assert found.dtype == expected.dtype, f"expected {expected.dtype}, got {found.dtype}"
        assert found.shape == expected.shape, f"expected the shape {expected.shape}, got {found.shape}"
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    else:
        assert type(found) is type(expected), f"expected {type(expected).__name__}, got {type(found).__name__}"
        assert found == expected
