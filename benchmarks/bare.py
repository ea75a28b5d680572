"""A model in its own framework and nothing else: what the product is compared with.

Runs in a framework's environment, in the syntax of Python 3.6: ``python bare.py`` reads one line of JSON
(``framework``, ``files``, ``options``, ``inputs``, ``outputs``, ``threads``), answers ``ready``, and then for each line
``["latency", FILE, SECONDS]`` (a .npz of one query) with the nanoseconds of each query, or
``["accuracy", PICTURES, LABELS, BATCH]`` (IDX files) with how many are right, how many there are, and the seconds.

Each function below does what the documentation of its framework shows: a name, a feed, a result as a numpy array.
"""

import gzip
import json
import os
import struct
import sys
import time

import numpy

clock = getattr(time, "perf_counter_ns", None) or (lambda: int(time.perf_counter() * 1e9))


def caffe(about):
    import types

    for name, gives in (("skimage", ()), ("skimage.io", ()), ("skimage.transform", ("resize",)), ("scipy", ()), ("scipy.ndimage", ("zoom",))):  # fmt: skip # noqa: E501
        module = sys.modules.setdefault(name, types.ModuleType(name))
        for attribute in gives:
            setattr(module, attribute, None)
    import caffe

    net = caffe.Net(about["files"]["network"], caffe.TEST, weights=about["files"]["weights"])
    (name,), outputs = about["inputs"], about["outputs"]
    blob = net.blobs[name]

    def run(x):
        if tuple(blob.shape) != x.shape:
            blob.reshape(*x.shape)
            net.reshape()
        blob.data[...] = x
        net.forward()
        return [net.blobs[output].data.copy() for output in outputs]

    return run


def caffe2(about):
    from caffe2.proto import caffe2_pb2
    from caffe2.python import workspace

    nets = {}
    for role in ("init_net", "predict_net"):
        nets[role] = caffe2_pb2.NetDef()
        with open(about["files"][role], "rb") as file:
            nets[role].ParseFromString(file.read())
    workspace.RunNetOnce(nets["init_net"])
    (name,), outputs = about["inputs"], about["outputs"]
    made = []

    def run(x):
        workspace.FeedBlob(name, x)
        if not made:
            made.append(workspace.CreateNet(nets["predict_net"]))
        workspace.RunNet(nets["predict_net"].name)
        return [workspace.FetchBlob(output) for output in outputs]

    return run


def cntk(about):
    # The product's own way to load it without MPI; what is timed is CNTK's alone.
    from pytest_mlmodelscope.frameworks.cntk.library import cntk

    model = cntk.Function.load(about["files"]["model"], device=cntk.cpu())
    (argument,) = model.arguments

    def run(x):
        found = model.eval({argument: x})
        return list(found.values()) if isinstance(found, dict) else [found]

    return run


def mxnet(about):
    import mxnet

    symbol = mxnet.sym.load(about["files"]["symbol"])
    kept = mxnet.nd.load(about["files"]["params"])
    arguments = {key[4:]: value for key, value in kept.items() if key.startswith("arg:")}
    auxiliary = {key[4:]: value for key, value in kept.items() if key.startswith("aux:")}
    (name,) = about["inputs"]
    executors = {}

    def run(x):
        if x.shape not in executors:
            executor = symbol.simple_bind(mxnet.cpu(), grad_req="null", **{name: x.shape})
            executor.copy_params_from(arguments, auxiliary, allow_extra_params=True)
            executors[x.shape] = executor
        executor = executors[x.shape]
        return [output.asnumpy() for output in executor.forward(is_train=False, **{name: mxnet.nd.array(x)})]

    return run


def tensorflow(about):
    import tensorflow

    if about["threads"]:
        tensorflow.config.threading.set_intra_op_parallelism_threads(about["threads"])
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    model = tensorflow.saved_model.load(about["files"]["model"])
    function = model.signatures["serving_default"]
    (name,), outputs = about["inputs"], about["outputs"]

    def run(x):
        found = function(**{name: tensorflow.constant(x)})
        return [found[output].numpy() for output in outputs]

    run.model = model
    return run


def litert(about):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(about["files"]["model"], num_threads=about["threads"] or os.cpu_count())
    entry, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()
    last = []

    def run(x):
        if last != [x.shape]:
            interpreter.resize_tensor_input(entry["index"], x.shape)
            interpreter.allocate_tensors()
            last[:] = [x.shape]
        interpreter.set_tensor(entry["index"], x)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in outputs]

    return run


def jax(about):
    # JAX has a thread for each processor that it may use, and no other setting.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: about["threads"] or None])
    import jax
    from jax import export

    with open(about["files"]["model"], "rb") as file:
        function = jax.jit(export.deserialize(bytearray(file.read())).call)

    def run(x):
        return [numpy.asarray(leaf) for leaf in jax.tree_util.tree_leaves(function(x))]

    return run


def pytorch(about):
    import torch

    if about["threads"]:
        torch.set_num_threads(about["threads"])
    model = torch.jit.load(about["files"]["model"], map_location="cpu").eval()
    quiet = getattr(torch, "inference_mode", torch.no_grad)

    def run(x):
        with quiet():
            found = model(torch.from_numpy(x))
        return [value.numpy() for value in (found if isinstance(found, (tuple, list)) else [found])]

    return run


def onnxruntime(about):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if about["threads"]:
        options.intra_op_num_threads = about["threads"]
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(about["files"]["model"], options, providers=["CPUExecutionProvider"])
    (name,), outputs = about["inputs"], about["outputs"]
    return lambda x: session.run(outputs, {name: x})


def openvino(about):
    import openvino

    core = openvino.Core()
    files = about["files"]
    model = core.read_model(files["model"], files["weights"]) if "weights" in files else core.read_model(files["model"])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if about["threads"]:
        settings["INFERENCE_NUM_THREADS"] = str(about["threads"])
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    (name,), outputs = about["inputs"], about["outputs"]

    def run(x):
        found = request.infer({name: x})
        return [found[output] for output in outputs]

    return run


def opencv(about):
    import cv2

    if about["threads"]:
        cv2.setNumThreads(about["threads"])
    files, form = about["files"], about["options"].get("format", "onnx")
    if form == "caffe":
        net = cv2.dnn.readNetFromCaffe(files["network"], files["model"])
    else:
        net = {"onnx": cv2.dnn.readNetFromONNX, "tensorflow": cv2.dnn.readNetFromTensorflow}[form](files["model"])
    (name,), outputs = about["inputs"], about["outputs"]

    def run(x):
        net.setInput(x, name)
        return net.forward(outputs)

    return run


def latency(run, file, seconds):
    """The nanoseconds of each query of one prepared batch, for so many seconds after a warm-up."""
    (x,) = (numpy.load(file)[name] for name in numpy.load(file).files)
    for _ in range(10):
        run(x)
    spent, begun = [], clock()
    while clock() - begun < seconds * 1e9:
        start = clock()
        run(x)
        spent.append(clock() - start)
    return {"ns": spent}


def accuracy(run, pictures, labels, batch, layout):
    """The whole loop over a test set: read, prepare, predict, count."""
    begun = clock()
    data, truth = idx(pictures), idx(labels)
    right = 0
    for at in range(0, len(data), batch):
        x = data[at : at + batch].astype("float32") / numpy.float32(255)
        x = x[:, None] if layout == "NCHW" else x[..., None]
        scores = run(x)[0]
        right += int((scores.argmax(axis=1) == truth[at : at + batch]).sum())
    return {"right": right, "items": len(data), "seconds": (clock() - begun) / 1e9}


def idx(path):
    """The array in an IDX file of bytes, gzipped or not."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if packed else open)(path, "rb") as file:
        raw = file.read()
    axes = raw[3]
    shape = struct.unpack(">%dI" % axes, raw[4 : 4 + 4 * axes])
    return numpy.frombuffer(raw, numpy.uint8, offset=4 + 4 * axes).reshape(shape)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # CNTK prints
    about = json.loads(sys.stdin.readline())
    run = globals()[about["framework"]](about)
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        answers.write(json.dumps({"latency": latency, "accuracy": accuracy}[what](run, *arguments)) + "\n")
        answers.flush()


main()
