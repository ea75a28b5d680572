"""What a graph holds: operators that reach outside it, and how many trained values of which type."""

import re
from collections import Counter
from typing import Any

import numpy
import tensorflow

_OUTSIDE = re.compile(
    r"_?(Experimental)?("
    r"(Eager)?PyFunc(Stateless)?|Abort"
    r"|ReadFile|WriteFile|MatchingFiles|MatchingFilesDataset|ImmutableConst|DumpTensor"
    r"|Save|SaveV2|SaveSlices|DistributedSave|MergeV2Checkpoints"
    r"|Restore|RestoreV2|RestoreSlice|DTensorRestoreV2|LoadAndRemapMatrix|GenerateVocabRemapping"
    r"|\w*Reader(V2)?"
    r"|(TextLine|TFRecord|FixedLengthRecord|CSV|Sql|LMDB|Snapshot|Save|Load|Cache|DataService)Dataset(V\d)?"
    r"|DatasetToTFRecord|RegisterDataset(V2)?"
    r"|CreateSummary(File|Db)Writer|Write\w*Summary"
    r"|Debug(Identity|NumericSummary|NanCount)\w*"
    r"|DecodeProto\w*|EncodeProto"
    r"|(Try)?Rpc\w*|Remote\w+|FileSystemSetConfiguration|Gcs\w+|\w*BigQuery\w*"
    r")"
)
_QUANTISED = re.compile(r"(Uniform)?Quantized\w+")
#: Where nearly all of a model's arithmetic is.
_PRODUCT = re.compile(r"(_Fused)?(Conv2D|Conv3D|DepthwiseConv2dNative|MatMul|BatchMatMul(V\d)?|Einsum)")
_PRECISIONS = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "bfloat16": "bf16", "int8": "int8"}
_TRAINED = frozenset(_PRECISIONS) | {"uint8", "qint8", "quint8", "qint32"}


def nodes(graph: "Any") -> "list[Any]":
    """All nodes of a GraphDef, those of its functions too."""
    return list(graph.node) + in_functions(graph)


def in_functions(graph: "Any") -> "list[Any]":
    """The nodes of a GraphDef's functions."""
    return [node for function in graph.library.function for node in function.node_def]


def refuse_outside(running: "list[Any]") -> None:
    """Raise ValueError where an operator reads or writes files, runs Python or asks a network."""
    for node in running:
        if _OUTSIDE.fullmatch(node.op) or _prints_to_a_file(node):
            raise ValueError(
                'the operator %s ("%s") reaches outside the model; what reads or writes files, runs Python '
                "or asks a network is not run" % (node.op, node.name)
            )


def _prints_to_a_file(node: "Any") -> bool:
    return bool(node.op == "PrintV2" and node.attr["output_stream"].s.startswith(b"file:"))


def parameters(running: "list[Any]", variables: "list[Any]") -> "int | None":
    """How many values are in the variables; without any, in the constants that hold more than one."""
    if variables:
        return sum(int(numpy.prod(variable.shape.as_list())) for variable in variables)
    return sum(_size_of_constant(node) for node in running if node.op == "Const") or None


def _size_of_constant(node: "Any") -> int:
    tensor = node.attr["value"].tensor
    size = int(numpy.prod([dim.size for dim in tensor.tensor_shape.dim]))
    # A single number is an exponent or an epsilon, and whole numbers are shapes: nobody trained those.
    return size if size > 1 and _name_of_type(tensor.dtype) in _TRAINED else 0


def precision(running: "list[Any]", variables: "list[Any]") -> str:
    """What most products are computed in; without any, what most variables are; else fp32."""
    if any(_QUANTISED.fullmatch(node.op) for node in running):
        return "int8"
    found = Counter()  # type: Counter[str]
    for node in running:
        if _PRODUCT.fullmatch(node.op):
            found[_name_of_type(node.attr["T"].type)] += 1
    for variable in [] if found else variables:
        found[variable.dtype.base_dtype.name] += int(numpy.prod(variable.shape.as_list()))
    known = [name for name, _ in found.most_common() if name in _PRECISIONS]
    return _PRECISIONS[known[0]] if known else "fp32"


def _name_of_type(number: int) -> str:
    return str(tensorflow.dtypes.as_dtype(number).name)
