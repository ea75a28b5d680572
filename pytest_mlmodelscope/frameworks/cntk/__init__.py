"""CNTK: models in its own format, and in ONNX."""
