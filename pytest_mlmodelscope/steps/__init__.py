"""From an item to a tensor and from a tensor to a prediction: one file per step."""
