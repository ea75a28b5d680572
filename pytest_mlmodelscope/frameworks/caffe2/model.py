"""What the two nets of a model say, read before Caffe2 runs them."""

import re
from typing import Any, Iterator

from caffe2.proto import caffe2_pb2
from google.protobuf.message import DecodeError

_FILES = (
    "Checkpoint",
    "CreateBlobsQueueDB",
    "CreateDB",
    "CreateTextFileReader",
    "DBExists",
    "FileStoreHandlerCreate",
    "Load",
    "Save",
    "Snapshot",
    "TensorProtosDBInput",
    "TextFileReaderRead",
)
_NETWORK = (
    "Allgather",
    "Allreduce",
    "Barrier",
    "Broadcast",
    "CloneCommonWorld",
    "CreateCommonWorld",
    "DestroyCommonWorld",
    "ReceiveTensor",
    "Reduce",
    "ReduceScatter",
    "SendTensor",
    "StoreAdd",
    "StoreGet",
    "StoreSet",
    "StoreWait",
)
_CODE = ("Onnxifi", "Python", "PythonDLPack")
_REFUSED = {
    "uses files": _FILES,
    "talks to other processes": _NETWORK,
    "runs code that is not Caffe2's": _CODE,
}
#: What fills a blob at random: nobody trained that.
_RANDOM = ("GaussianFill", "MSRAFill", "UniformFill", "UniformIntFill", "UniqueUniformFill", "XavierFill")


def read_net(path: str, role: str) -> "Any":
    """A net with operators that only compute; ValueError says why it is none."""
    net = caffe2_pb2.NetDef()
    with open(path, "rb") as file:
        try:
            net.ParseFromString(file.read())
        except DecodeError as error:
            raise ValueError("the %s is no net of Caffe2: %s" % (role, error)) from None
    if not len(net.op):
        raise ValueError("the %s has no operators" % role)
    for operator in _operators(net):
        does = _does(operator)
        if does:
            raise ValueError(
                "the operator %s of the %s %s, which a model may not do here" % (operator.type, role, does)
            )
    return net


def _operators(net: "Any") -> "Iterator[Any]":
    """All operators of a net, and of the nets inside them."""
    waiting = [net]
    for inside in waiting:
        for operator in inside.op:
            yield operator
            for argument in operator.arg:
                waiting.extend(argument.nets)
                waiting.extend([argument.n] if argument.HasField("n") else [])


def _does(operator: "Any") -> "str | None":
    """What an operator does beside computing."""
    kind = re.sub("(Gradient)?(_ENGINE_.*)?$", "", operator.type)
    for does, kinds in _REFUSED.items():
        if kind in kinds:
            return does
    arguments = {argument.name: argument for argument in operator.arg}
    if "to_file" in arguments and arguments["to_file"].i:
        return "writes a file"
    if any(argument.s and name.endswith("net") for name, argument in arguments.items()):
        return "holds a net as text, which can hold anything"
    return None


def check_init(net: "Any") -> None:
    """Refuse an init_net that fills weights at random."""
    for operator in net.op:
        if operator.type in _RANDOM:
            raise ValueError(
                'the init_net fills "%s" at random (%s): it holds no trained weights'
                % (", ".join(operator.output), operator.type)
            )


def wanted(net: "Any") -> "list[str]":
    """The blobs that a net reads before it has computed them: its inputs and its weights, in order."""
    made, read = set(), {}  # type: set[str], dict[str, None]
    for operator in net.op:
        read.update((name, None) for name in operator.input if name not in made)
        made.update(operator.output)
    return list(read)


def made(net: "Any") -> "list[str]":
    """The blobs that a net computes, in order."""
    return list(dict.fromkeys(name for operator in net.op for name in operator.output))


def statistics(net: "Any") -> "set[str]":
    """Blobs that hold means and variances, which nobody trained."""
    return {name for operator in net.op if operator.type == "SpatialBN" for name in operator.input[3:5]}
