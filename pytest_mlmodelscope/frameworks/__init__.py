"""Frameworks, one folder each: ``framework.yml`` and ``predictor.py``.

What travels with all of them: ``_declared.py`` (what a claim asks for, never replaced silently),
``_onnx.py`` (what an ONNX file says of itself) and ``_nvidia.py`` (nothing rounds to tf32 unasked).
"""
