"""Where PyTorch computes, and in which precision: put there by hand, and read back."""

from typing import Any

import torch

from pytest_mlmodelscope.frameworks._declared import only
from pytest_mlmodelscope.frameworks._nvidia import allow_tf32

_PLACES = {"cpu": "cpu", "gpu": "cuda"}
_NAMES = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "bfloat16": "bf16"}
#: From here on a processor has the operators of half precision as well.
_HALVES = (2, 1)
#: What weights of fp32 can be rounded to when they are loaded.
_ROUNDED = {"fp16": "float16", "bf16": "bfloat16"}


class Device:
    """A processor or the first GPU, on which a module computes in one precision.

    Raises ValueError where there is no such device.
    """

    def __init__(self, name: str, precision: str) -> None:
        only("the device", name, _PLACES)
        self.name = name
        self.place = _PLACES[name]
        self._precision = precision
        # The type that inputs of fp32 are rounded to, where the weights were.
        self._rounded = None  # type: Any
        if name == "gpu":
            allow_tf32(precision == "tf32")
            _require_gpu()

    @property
    def apart(self) -> bool:
        """Whether the module gets copies of the inputs anyhow."""
        return self.name == "gpu" or self._rounded is not None

    def settle(self, model: "Any", converts: bool) -> str:
        """Put a module where it computes, in the precision that is asked for; the one that it has then.

        ``converts``: its weights may be rounded from fp32. Raises ValueError for one that cannot be given.
        """
        stored = precision_of(model)
        only("the precision", self._precision, self._possible(stored, converts))
        if self._precision in _ROUNDED and self._precision != stored:
            self._rounded = getattr(torch, _ROUNDED[self._precision])
            model.to(self._rounded)
        if self.name == "gpu":
            model.to(self.place)
            _set_tf32(self._precision == "tf32")
        # A model without weights has nothing to round.
        only("the precision", self._precision, [self._read_back(model)])
        return self._precision

    def _possible(self, stored: str, converts: bool) -> "list[str]":
        possible = [stored]
        if stored == "fp32" and self.name == "gpu" and hasattr(torch.backends.cudnn, "allow_tf32"):
            possible.append("tf32")
        if stored == "fp32" and converts and _version() >= _HALVES:
            possible += _ROUNDED
        return possible

    def _read_back(self, model: "Any") -> str:
        found = precision_of(model)
        return "tf32" if found == "fp32" and self.name == "gpu" and rounds_to_tf32() else found

    def put(self, values: "Any") -> "Any":
        """A tensor of these values where the module computes, in its precision; a processor gets the very values."""
        tensor = torch.from_numpy(values)
        if not self.apart:
            return tensor
        if self._rounded is not None and tensor.dtype == torch.float32:
            return tensor.to(self.place, self._rounded)
        return tensor.to(self.place, copy=True)

    def get(self, tensor: "Any") -> "Any":
        """The values of a tensor, in memory of their own; where weights were rounded, fp32 as the file has it."""
        tensor = tensor.detach() if tensor.requires_grad else tensor
        if self._rounded is not None and tensor.dtype == self._rounded:
            tensor = tensor.float()
        values = tensor.cpu().numpy()
        return values.copy() if self.name == "cpu" else values

    def wait(self) -> None:
        """Until all work is done, on every stream that the module may have used."""
        if self.name == "gpu":
            torch.cuda.synchronize()

    def about(self) -> "dict[str, Any]":
        """The GPU as PyTorch sees it, and what the model takes of its memory (bytes); empty for a processor."""
        if self.name != "gpu":
            return {}
        found = torch.cuda.get_device_properties(0)
        return {
            "name": found.name,
            "compute_capability": "%d.%d" % (found.major, found.minor),
            "memory_bytes": found.total_memory,
            "model_bytes": torch.cuda.memory_allocated(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }


def precision_of(model: "Any") -> str:
    """The type of most of the floating-point parameters; fp32 where there are none."""
    counts = {}  # type: dict[str, int]
    for parameter in model.parameters():
        name = _NAMES.get(str(parameter.dtype).replace("torch.", ""))
        if name:
            counts[name] = counts.get(name, 0) + parameter.numel()
    return max(counts, key=lambda name: counts[name]) if counts else "fp32"


def rounds_to_tf32() -> bool:
    """Whether products or convolutions of fp32 may be computed in tf32."""
    return bool(torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32)


def _set_tf32(allowed: bool) -> None:
    # Convolutions have it on by default, products off. Versions that cannot switch it have no tf32.
    if hasattr(torch.backends.cudnn, "allow_tf32"):
        torch.backends.cuda.matmul.allow_tf32 = allowed
        torch.backends.cudnn.allow_tf32 = allowed


def _require_gpu() -> None:
    if not torch.cuda.is_available():
        built = "for CUDA %s" % torch.version.cuda if torch.version.cuda else "without CUDA"
        raise ValueError(
            "PyTorch %s, built %s, sees no GPU here; nvidia-smi lists what there is" % (torch.__version__, built)
        )


def _version() -> "tuple[int, int]":
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)
