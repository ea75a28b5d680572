"""Frameworks, one folder each: ``framework.yml`` and ``predictor.py``.

``_declared.py`` travels with all of them: what a manifest declares, held against what is given.
"""
