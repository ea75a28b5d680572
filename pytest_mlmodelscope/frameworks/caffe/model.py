"""What the two files of a model say, read before Caffe reads them."""

import os
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from pytest_mlmodelscope.frameworks.caffe.library import caffe

_MOST_TEXT = 16 << 20
#: Types of layers that read or write files, wait for data from elsewhere, or run code.
_REFUSED = {
    "DATA": "reads a database",
    "HDF5DATA": "reads files",
    "HDF5OUTPUT": "writes a file",
    "IMAGEDATA": "reads files",
    "INFOGAINLOSS": "reads a file",
    "MEMORYDATA": "has no input that can be named",
    "PYTHON": "runs code",
    "WINDOWDATA": "reads files",
}


def check_network(path: str) -> None:
    """Refuse what is no network in Caffe's text format, or does more than compute; ValueError says why."""
    layers = _layers(_network(path))
    if not layers:
        raise ValueError("the network has no layers")
    for layer in layers:
        kind = _kind(layer)
        does = _REFUSED.get(kind.replace("_", "").upper())
        if does:
            raise ValueError(
                'the layer "%s" of the type %s %s, which a model may not do here: '
                "take the network for deployment, with Input layers" % (layer.name, kind, does)
            )


def _network(path: str) -> "Any":
    if os.path.getsize(path) > _MOST_TEXT:
        raise ValueError("the network has more than %d bytes: it is no description of layers" % _MOST_TEXT)
    with open(path, "rb") as file:
        text = file.read()
    try:
        return text_format.Parse(text.decode("utf-8"), caffe.proto.caffe_pb2.NetParameter())
    except (text_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the network is not in Caffe's text format: %s" % error) from None


def weighted(path: str) -> "set[str]":
    """The names of the layers that a file holds weights for; ValueError when it is no such file."""
    weights = caffe.proto.caffe_pb2.NetParameter()
    with open(path, "rb") as file:
        try:
            weights.ParseFromString(file.read())
        except DecodeError as error:
            raise ValueError("the weights are not in Caffe's binary format: %s" % error) from None
    return {layer.name for layer in _layers(weights) if len(layer.blobs)}


def _layers(network: "Any") -> "list[Any]":
    """The layers, as Caffe 1 writes them or as the versions before it did."""
    if any(layer.HasField("layer") for layer in network.layers):
        raise ValueError("the file is from before 2014: convert it with Caffe's upgrade_net_proto_text or _binary")
    return list(network.layer) or list(network.layers)


def _kind(layer: "Any") -> str:
    if isinstance(layer.type, str):
        return str(layer.type)
    return str(caffe.proto.caffe_pb2.V1LayerParameter.LayerType.Name(layer.type))
