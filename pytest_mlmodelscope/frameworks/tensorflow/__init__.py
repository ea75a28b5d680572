"""TensorFlow: SavedModel folders."""
