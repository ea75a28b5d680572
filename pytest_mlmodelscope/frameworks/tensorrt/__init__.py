"""TensorRT: ONNX models, built into engines for an NVIDIA GPU."""
