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
#: What fills a blob with values of its own, one for each place.
_GIVEN = (
    "GivenTensorBoolFill",
    "GivenTensorDoubleFill",
    "GivenTensorFill",
    "GivenTensorInt64Fill",
    "GivenTensorIntFill",
    "GivenTensorStringFill",
)
_MOST_VALUES = 1 << 40
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
        _check_window(operator)
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


def _check_window(operator: "Any") -> None:
    """Refuse strides by which Caffe2 would divide, and end the process."""
    for argument in operator.arg:
        if argument.name.startswith("stride") and 0 in (list(argument.ints) or [argument.i]):
            raise ValueError("the operator %s has the %s 0" % (operator.type, argument.name))


def check_init(net: "Any") -> None:
    """Refuse an init_net that fills weights at random, or with too few values or too many."""
    for operator in net.op:
        _check_fill(operator)
        if operator.type in _RANDOM:
            raise ValueError(
                'the init_net fills "%s" at random (%s): it holds no trained weights'
                % (", ".join(operator.output), operator.type)
            )


def _check_fill(operator: "Any") -> None:
    arguments = {argument.name: argument for argument in operator.arg}
    shape = list(arguments["shape"].ints) if "shape" in arguments else []
    size = 1
    for length in shape:
        size *= length
    if min(shape, default=0) < 0 or size > _MOST_VALUES:
        raise ValueError("%s cannot have the shape %s" % (_named(operator), shape))
    values = arguments.get("values")
    if operator.type in _GIVEN and not len(operator.input):
        given = len(values.floats) + len(values.ints) + len(values.strings) if values else 0
        # Caffe2 would end the process.
        if given != size:
            raise ValueError("%s has %d values for the shape %s" % (_named(operator), given, shape))


def _named(operator: "Any") -> str:
    return 'what fills "%s" in the init_net (%s)' % (", ".join(operator.output), operator.type)


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
