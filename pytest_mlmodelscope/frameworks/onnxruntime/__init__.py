"""ONNX Runtime: models in the ONNX format."""
