"""Frameworks, one folder each: ``framework.yml`` and ``predictor.py``.

What travels with all of them: ``_declared.py`` (what a manifest declares, held against what is
given) and ``_onnx.py`` (what an ONNX file says of itself).
"""
