"""Memory of the GPU, and a stream of work for it, through NVIDIA's own bindings of the CUDA runtime."""

from typing import Any

from cuda.bindings import runtime as cuda

_IN = cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
_OUT = cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost


class Device:
    """The first GPU. Raises ValueError with one line where there is none."""

    def __init__(self) -> None:
        # Before TensorRT is asked: without a driver some versions of it end the process.
        error, count = cuda.cudaGetDeviceCount()
        if error != cuda.cudaError_t.cudaSuccess or not count:
            raise ValueError("no NVIDIA driver or no GPU here (%s); nvidia-smi lists what there is" % _text(error))
        about = _done(cuda.cudaGetDeviceProperties(0))
        self.name = about.name.decode("utf-8") if isinstance(about.name, bytes) else str(about.name)
        self.capability = "%d.%d" % (about.major, about.minor)
        self.stream = _done(cuda.cudaStreamCreate())
        self.driver = _done(cuda.cudaDriverGetVersion())
        self.runtime = _done(cuda.cudaRuntimeGetVersion())

    def take(self, size: int) -> int:
        """The address of so many bytes."""
        return int(_done(cuda.cudaMalloc(max(size, 1))))

    def free(self, address: int) -> None:
        """Give them back."""
        _done(cuda.cudaFree(address))

    def put(self, address: int, values: "Any") -> None:
        """Copy an array to the GPU, when the work before it is done."""
        _done(cuda.cudaMemcpyAsync(address, values.ctypes.data, values.nbytes, _IN, self.stream))

    def get(self, values: "Any", address: int) -> None:
        """Fill an array from the GPU, when the work before it is done."""
        _done(cuda.cudaMemcpyAsync(values.ctypes.data, address, values.nbytes, _OUT, self.stream))

    def wait(self) -> None:
        """Until all work is done."""
        _done(cuda.cudaStreamSynchronize(self.stream))


def _done(answer: "Any") -> "Any":
    """What a call gave. Raises RuntimeError with CUDA's word for what went wrong."""
    error = answer[0]
    if error != cuda.cudaError_t.cudaSuccess:
        raise RuntimeError("CUDA: %s" % _text(error))
    return answer[1] if len(answer) > 1 else None


def _text(error: "Any") -> str:
    _, text = cuda.cudaGetErrorString(error)
    return text.decode("utf-8") if isinstance(text, bytes) else str(text)
