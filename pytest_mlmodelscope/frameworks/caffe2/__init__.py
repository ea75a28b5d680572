"""Caffe2: an init_net that gives the weights, and a predict_net that computes."""
