"""PyTorch: TorchScript, exported programs, and weights for an architecture of a pinned package."""
