"""TensorRT for RTX or the full TensorRT: the same interface, whichever is installed."""

try:
    import tensorrt_rtx as trt
except ImportError:
    import tensorrt as trt

__all__ = ["trt"]
