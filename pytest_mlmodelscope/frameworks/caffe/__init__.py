"""Caffe: networks in its text format, weights in its binary one."""
