"""OpenCV's module for networks (DNN): a second runtime of ONNX, Caffe and frozen TensorFlow models."""
