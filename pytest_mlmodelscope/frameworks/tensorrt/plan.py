"""From an ONNX file to an engine's plan: all of TensorRT that needs no GPU."""

from typing import Any

from pytest_mlmodelscope.frameworks.tensorrt import rounding
from pytest_mlmodelscope.frameworks.tensorrt.library import trt

#: Which precisions there can be for weights of each: types are the file's own, only fp32 may be rounded.
_POSSIBLE = {"fp32": ("fp32", "tf32", "fp16", "bf16"), "fp16": ("fp16",), "bf16": ("bf16",), "int8": ("int8",)}
_HALVES = ("fp16", "bf16")


def possible(stored: str) -> "tuple[str, ...]":
    """The precisions in which a model with such weights can be computed."""
    return _POSSIBLE.get(stored, ())


class _Log(trt.ILogger):  # type: ignore[misc]
    """Keeps what TensorRT says of errors, which its exceptions and return values leave out."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.errors = []  # type: list[str]

    def log(self, severity: "Any", text: str) -> None:
        """Called by TensorRT."""
        if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
            self.errors.append(text)


class Plans:
    """Plans of one ONNX file, each for inputs of certain shapes."""

    def __init__(self, path: str, stored: str, precision: str, threads: int) -> None:
        self.log = _Log()
        self._path = path
        self._rounds = precision if precision in _HALVES and precision != stored else None
        self._builder = trt.Builder(self.log)
        self._builder.max_threads = threads
        self._config = self._builder.create_builder_config()
        flag = self._config.set_flag if precision == "tf32" else self._config.clear_flag
        flag(trt.BuilderFlag.TF32)
        network, _ = self._parsed()
        self._computes = stored if stored == "int8" else rounding.precision_of(network)
        self.inputs = [network.get_input(place).name for place in range(network.num_inputs)]
        self.outputs = [network.get_output(place).name for place in range(network.num_outputs)]

    @property
    def threads(self) -> int:
        """How many the builder may take."""
        return int(self._builder.max_threads)

    @property
    def precision(self) -> str:
        """What is computed in, as the network and the builder have it."""
        rounds = bool(self._config.get_flag(trt.BuilderFlag.TF32))
        return "tf32" if rounds and self._computes == "fp32" else self._computes

    def build(self, shapes: "dict[str, tuple[int, ...]]") -> "Any":
        """The plan for inputs of these shapes. Raises ValueError with TensorRT's reason."""
        network, _parser = self._parsed()
        for place in range(network.num_inputs):
            network.get_input(place).shape = shapes[network.get_input(place).name]
        plan = self._builder.build_serialized_network(network, self._config)
        if plan is None:
            raise ValueError("TensorRT cannot build the model for inputs of %s: %s" % (shapes, self._reason()))
        return plan

    def engine(self, plan: "Any") -> "tuple[Any, Any]":
        """The engine of a plan, on the GPU; the runtime that it needs lives as long."""
        runtime = trt.Runtime(self.log)
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise ValueError("TensorRT cannot load its own plan on this GPU: %s" % self._reason())
        return runtime, engine

    def _parsed(self) -> "tuple[Any, Any]":
        network = self._builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, self.log)
        if not parser.parse_from_file(self._path):
            reasons = [parser.get_error(place).desc() for place in range(parser.num_errors)]
            raise ValueError("TensorRT cannot read the model: %s" % ("; ".join(reasons) or self._reason()))
        # The parser owns weights of the network.
        alive = rounding.halved(network, self._rounds) if self._rounds else []
        return network, (parser, alive)

    def _reason(self) -> str:
        return self.log.errors[-1] if self.log.errors else "it does not say why"


def tensors(engine: "Any") -> "list[tuple[str, tuple[int, ...], Any]]":
    """Name, shape and numpy dtype of each input and output of an engine."""
    names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
    return [(name, tuple(engine.get_tensor_shape(name)), trt.nptype(engine.get_tensor_dtype(name))) for name in names]


def about() -> "tuple[str, str]":
    """Which TensorRT this is, and its version."""
    return trt.__name__, trt.__version__
