"""OpenVINO: models in its own format (IR) and in ONNX."""
