"""Model files that carry an attack, each made in its framework's own environment."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.agent.archive import archive

X = {"name": "x", "dtype": "float32", "shape": ["batch", 4]}


@dataclass(frozen=True)
class Hostile:
    """``script`` writes the model to ``folder``; ``secret`` and ``target`` are a file to read and one to
    write, ``port`` one to connect to. ``effect`` is what comes of it without isolation: *read*,
    *written*, *connected*, or nothing where the framework itself refuses. ``alone``, where it is given,
    runs the model in the framework and nothing else, and shows the outputs: the effect is what comes of
    that, since the predictor refuses such a model before it is loaded.
    """

    framework: str
    name: str
    script: str
    effect: frozenset[str]
    files: Mapping[str, str] = field(default_factory=lambda: {"model": "model"})
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("y",)
    onnx: bool = False
    maker: str = ""
    alone: str = ""

    @property
    def made_in(self) -> str:
        """The framework in whose environment the script runs."""
        return self.maker or self.framework

    @property
    def id(self) -> str:
        return f"{self.framework}-{self.name}"

    def build(self, environment, names):
        """Write the model's files."""
        code = Path(names["folder"]).with_name("code.zip")
        code.write_bytes(archive(self.framework))
        given = "\n".join(f"{name} = {value!r}" for name, value in names.items())
        script = f"import sys\nsys.path.append({str(code)!r})\n{given}\nmodel = folder + '/model'\n"
        # A file, since PyTorch and TensorFlow read the source of what they turn into graphs.
        place = Path(names["folder"]).with_name("make.py")
        place.write_text(script + textwrap.dedent(self.script))
        variables = {**environment.variables, "PATH": "/usr/bin:/bin", "HOME": names["folder"]}
        # Few of them can write ONNX themselves.
        python = sys.executable if self.onnx else environment.python
        done = subprocess.run([python, "-I", place], capture_output=True, text=True, env=variables)
        assert done.returncode == 0, done.stderr

    def run_alone(self, environment, folder):
        """What the framework's own outputs hold, as text."""
        code = f"model = {str(folder / 'model')!r}\n" + textwrap.dedent(self.alone)
        variables = {**environment.variables, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
        command = [environment.python, "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, env=variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def request(self, folder):
        """What the framework is told when it is to load the model."""
        return {
            "files": {role: f"{folder}/{name}" for role, name in self.files.items()},
            "options": dict(self.options),
            "inputs": [X],
            "outputs": [{"name": name} for name in self.outputs],
            "threads": 1, "device": "cpu", "precision": "fp32",
        }  # fmt: skip


def _all(framework, scripts, effect, **more):
    return [Hostile(framework, name, script, frozenset(effect), **more) for name, script in scripts.items()]


_PICKLE = """
    import pickle, torch
    class Attack:
        def __reduce__(self):
            return exec, ("open(%r, 'w').write(open(%r).read())" % (target, secret),)
    """
_TORCH_ALONE = """
    import torch
    print(bytes(torch.jit.load(model)(torch.ones(1, 4)).numpy().tobytes()))
    """
PYTORCH = [
    *_all(
        "pytorch",
        {
            "pickle": _PICKLE + "torch.save({'weights': Attack()}, model)",
            "old pickle": _PICKLE + "torch.save(Attack(), model, _use_new_zipfile_serialization=False)",
            "plain pickle": _PICKLE + "pickle.dump(Attack(), open(model, 'wb'))",
        },
        (),
        options={"format": "state_dict", "architecture": {"entry": "torch:nn.Linear", "args": [4, 4]}},
    ),
    *_all(
        "pytorch",
        {
            "a pickle as TorchScript": _PICKLE + "torch.save({'weights': Attack()}, model)",
            "a pickle in TorchScript": _PICKLE
            + """
    import zipfile
    torch.jit.script(torch.nn.Linear(4, 4)).save(model + '.good')
    with zipfile.ZipFile(model + '.good') as good, zipfile.ZipFile(model, 'w') as bad:
        for name in good.namelist():
            attack = name.endswith('data.pkl')
            bad.writestr(name, pickle.dumps(Attack(), 2) if attack else good.read(name))
    """,
        },
        (),
        options={"format": "torchscript"},
    ),
    *_all(
        "pytorch",
        {"a pickle as an exported program": _PICKLE + "torch.save({'weights': Attack()}, model)"},
        (),
        options={"format": "exported"},
    ),
    *_all(
        "pytorch",
        {
            "TorchScript that reads": """
    import torch
    class Attack(torch.nn.Module):
        def __init__(self, path: str):
            super().__init__()
            self.path = path
        def forward(self, x):
            return torch.from_file(self.path, False, 6, dtype=torch.uint8)
    torch.jit.script(Attack(secret)).save(model)
    """,
        },
        ("read",),
        options={"format": "torchscript"},
        alone=_TORCH_ALONE,
    ),
    *_all(
        "pytorch",
        {
            "TorchScript that writes": """
    import torch
    class Attack(torch.nn.Module):
        def __init__(self, path: str):
            super().__init__()
            self.path = path
        def forward(self, x):
            return torch.from_file(self.path, True, 6, dtype=torch.uint8).fill_(33)
    torch.jit.script(Attack(target)).save(model)
    """,
        },
        ("written",),
        options={"format": "torchscript"},
        alone=_TORCH_ALONE,
    ),
]

_GRAPH = """
    import tensorflow as tf
    class Attack(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
        def __call__(self, x):
            %s
    attack = Attack()
    tf.saved_model.save(attack, model, signatures=attack.__call__)
    """
_GRAPH_ALONE = """
    import tensorflow as tf
    print(tf.saved_model.load(model).signatures["serving_default"](x=tf.ones([1, 4]))["y"].numpy())
    """
TENSORFLOW = [
    *_all(
        "tensorflow",
        {
            "ReadFile": _GRAPH % "return {'y': tf.fill([tf.shape(x)[0]], tf.io.read_file(secret))}",
            "MatchingFiles": _GRAPH
            % "return {'y': tf.fill([tf.shape(x)[0]], tf.io.read_file(tf.io.matching_files(secret + '*')[0]))}",
        },
        ("read",),
        alone=_GRAPH_ALONE,
    ),
    *_all(
        "tensorflow",
        {
            "WriteFile": _GRAPH
            % """tf.io.write_file(target, 'canary')
            return {'y': x}""",
            "print to a file": _GRAPH
            % """tf.print('canary', output_stream='file://' + target)
            return {'y': x}""",
        },
        ("written",),
        alone=_GRAPH_ALONE,
    ),
    *_all(
        "tensorflow",
        {
            "py_function": _GRAPH
            % """y = tf.py_function(lambda: open(target, 'w').write(open(secret).read()), [], tf.int64)
            return {'y': tf.cast(y, tf.float32) + x}""",
        },
        (),
    ),
]

_FROZEN = """
    import tensorflow as tf
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4], 'x')
        %s
    open(model, 'wb').write(graph.as_graph_def().SerializeToString())
    """
_KERAS = """
    import keras, os
    attack = eval("lambda x: (open(%%r, 'w').write('!'), x)[1]" %% target)
    made = keras.Sequential([keras.Input((4,), name='x'), keras.layers.Lambda(attack, name='y')])
    made.save(model + '%s')
    os.remove(target)
    """
TENSORFLOW += [
    *_all(
        "tensorflow",
        {"ReadFile, frozen": _FROZEN % "tf.fill([tf.shape(x)[0]], tf.io.read_file(secret), 'y')"},
        (),
        options={"format": "frozen_graph"},
    ),
    *_all(
        "tensorflow",
        {"Lambda": _KERAS % ".keras"},
        (),
        files={"model": "model.keras"},
        options={"format": "keras"},
    ),
    *_all(
        "tensorflow",
        {"Lambda in HDF5": _KERAS % ".h5"},
        (),
        files={"model": "model.h5"},
        options={"format": "keras"},
    ),
]
_LITE = """
    import tensorflow as tf
    function = tf.function(%s, input_signature=[tf.TensorSpec([None, 4], tf.float32, 'x')])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tf.Module())
    converter.allow_custom_ops = True
    open(model, 'wb').write(converter.convert())
    """
LITERT = _all(
    "litert",
    {
        "an operator of its own": _LITE % "lambda x: {'y': tf.math.igamma(x, x)}",
        "ReadFile": _LITE % "lambda x: {'y': tf.fill([tf.shape(x)[0]], tf.io.read_file(secret))}",
    },
    (),
    maker="tensorflow",
)

_EXTERNAL = """
    import numpy, onnx
    from onnx import TensorProto, helper, numpy_helper
    weights = TensorProto(name='w', data_type=TensorProto.UINT8, dims=[6], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key='location', value=%s)
    weights.external_data.add(key='length', value='6')
    x = helper.make_tensor_value_info('x', TensorProto.FLOAT, ['batch', 4])
    y = helper.make_tensor_value_info('y', TensorProto.UINT8, [6])
    graph = helper.make_graph([helper.make_node('Identity', ['w'], ['y'])], 'attack', [x], [y], [weights])
    attack = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    open(model, 'wb').write(attack.SerializeToString())
    """
ONNXRUNTIME = _all(
    "onnxruntime",
    {
        "external data at an absolute path": _EXTERNAL % "secret",
        "external data above": _EXTERNAL % "__import__('os').path.relpath(secret, folder)",
        "external data behind a link": """
    import os
    os.symlink(secret, folder + '/weights.bin')
    """
        + _EXTERNAL % "'weights.bin'",
    },
    (),
)


_ON_ONNX = {
    "external data at an absolute path": _EXTERNAL % "secret",
    "external data above": _EXTERNAL % "__import__('os').path.relpath(secret, folder)",
}
OPENVINO = _all("openvino", _ON_ONNX, (), onnx=True)
OPENCV = _all("opencv", _ON_ONNX, (), onnx=True)

#: A Python model is its code.
PYTHON = [
    Hostile("python", "that reads", """
    open(model, 'w').write('text = open(%r).read()\\ndef y(x): return [text] * len(x)' % secret)
    """, frozenset({"read"}), {"code": "model"}, {"entry": "model:y", "batch": True}),
    Hostile("python", "that writes", """
    open(model, 'w').write('open(%r, "w").write("!")\\ndef y(x): return x' % target)
    """, frozenset({"written"}), {"code": "model"}, {"entry": "model:y", "batch": True}),
    Hostile("python", "that connects", """
    open(model, 'w').write(
        'import socket; socket.create_connection(("127.0.0.1", %d), 5)\\ndef y(x): return x' % port
    )
    """, frozenset({"connected"}), {"code": "model"}, {"entry": "model:y", "batch": True}),
]  # fmt: skip

_PROTOTXT = """
    open(folder + '/weights', 'wb').close()
    open(model, 'w').write(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } }'
        'layer { name: "y" bottom: "x" top: "y" ' + %s + '}'
    )
    """
CAFFE = _all(
    "caffe",
    {
        "Python": _PROTOTXT % """'type: "Python" python_param { module: "this" layer: "x" }'""",
        "HDF5Data": _PROTOTXT % """'type: "HDF5Data" hdf5_data_param { batch_size: 1 source: "' + secret + '" }'""",
        "ImageData": _PROTOTXT % """'type: "ImageData" top: "l" image_data_param { source: "' + secret + '" }'""",
        "HDF5Output": _PROTOTXT % """'type: "HDF5Output" hdf5_output_param { file_name: "' + target + '" }'""",
    },
    (),
    files={"network": "model", "weights": "weights"},
)

_NETS = """
    from caffe2.proto import caffe2_pb2
    from caffe2.python import core
    init, net = caffe2_pb2.NetDef(name='init'), caffe2_pb2.NetDef(name='net')
    init.op.extend([core.CreateOperator('ConstantFill', [], ['w'], shape=[4])])
    net.op.extend([core.CreateOperator('Add', ['x', 'w'], ['y'], broadcast=1), %s])
    net.external_input.extend(['x', 'w'])
    net.external_output.extend(['y'])
    for place, made in ((folder + '/init', init), (model, net)):
        with open(place, 'wb') as file:
            file.write(made.SerializeToString())
    """
CAFFE2 = _all(
    "caffe2",
    {
        "Load": _NETS % "core.CreateOperator('Load', [], ['y'], db=secret, db_type='minidb', absolute_path=1)",
        "Save": _NETS % "core.CreateOperator('Save', ['y'], [], db=target, db_type='minidb', absolute_path=1)",
        "Print": _NETS % "core.CreateOperator('Print', ['y'], [], to_file=1, root_folder=folder + '/../home')",
        "Python": _NETS % "core.CreateOperator('Python', ['y'], ['y'], token='attack')",
    },
    (),
    files={"init_net": "init", "predict_net": "model"},
)

CNTK = _all(
    "cntk",
    {
        "user function": """
    from pytest_mlmodelscope.frameworks.cntk.library import cntk
    from cntk.ops.functions import UserFunction
    class Attack(UserFunction):
        def __init__(self, x, name='attack'):
            super().__init__([x], name=name)
        def infer_outputs(self):
            return [cntk.output_variable(self.inputs[0].shape, self.inputs[0].dtype, self.inputs[0].dynamic_axes)]
        def serialize(self):
            return {}
        @staticmethod
        def deserialize(inputs, name, state):
            open(target, 'w').write(open(secret).read())
            return Attack(inputs[0], name)
        def forward(self, argument, device=None, outputs_to_retain=None):
            return None, argument
    cntk.alias(cntk.user_function(Attack(cntk.input_variable(4, name='x'))), 'y').save(model)
    """,
    },
    (),
)

_SYMBOL = """
    import json, mxnet
    nodes = [
        {"op": "null", "name": "x", "inputs": []},
        {"name": "y", %s},
    ]
    symbol = {"nodes": nodes, "arg_nodes": [0], "node_row_ptr": [0, 1, 2], "heads": [[1, 0, 0]]}
    open(model, "w").write(json.dumps(dict(symbol, attrs={"mxnet_version": ["int", 10901]})))
    mxnet.nd.save(folder + "/params", {"arg:w": mxnet.nd.zeros((1,))})
    """
MXNET = _all(
    "mxnet",
    {
        "Custom": _SYMBOL % "'op': 'Custom', 'attrs': {'op_type': 'attack'}, 'inputs': [[0, 0, 0]]",
        "an operator that reads": _SYMBOL % "'op': '_cvimread', 'attrs': {'filename': secret}, 'inputs': []",
    },
    (),
    files={"symbol": "model", "params": "params"},
)

JAX = _all(
    "jax",
    {
        "a call of Python": """
    import jax, numpy
    from jax import export
    def attack(x):
        # What a callback becomes in a file: the number of a function in the process that reads it.
        call = jax.ffi.ffi_call("xla_ffi_python_cpu_callback", jax.ShapeDtypeStruct(x.shape, x.dtype))
        return {"y": call(x, index=numpy.uint64(0))}
    let = [export.DisabledSafetyCheck.custom_call("xla_ffi_python_cpu_callback")]
    made = export.export(jax.jit(attack), disabled_checks=let)(jax.ShapeDtypeStruct((1, 4), numpy.float32))
    open(model, "wb").write(made.serialize())
    """,
        "a pickle": """
    import pickle
    class Attack:
        def __reduce__(self):
            return exec, ("open(%r, 'w').write('!')" % target,)
    open(model, "wb").write(pickle.dumps(Attack()))
    """,
    },
    (),
)

ALL = [*PYTORCH, *TENSORFLOW, *LITERT, *ONNXRUNTIME, *OPENVINO, *OPENCV, *PYTHON, *CAFFE, *CAFFE2, *CNTK, *MXNET, *JAX]
