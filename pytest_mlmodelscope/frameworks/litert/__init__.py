"""LiteRT, formerly TensorFlow Lite: .tflite files."""
