"""The network as a function exported by JAX, for any number of items."""

from typing import Any, Dict

import jax
from jax import export, lax
from jax import numpy as jnp
from network import network

# Places in source files would make the bytes depend on where this runs.
jax.config.update("jax_traceback_in_locations_limit", 0)
jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*")

_AXES = ("NCHW", "OIHW", "NCHW")


def main() -> None:
    """Write the function, for processors."""
    makes, net = network()

    def conv(layer: "Dict[str, Any]", value: "Any") -> "Any":
        pad, strides = 2 * [2 * (layer["pad"],)], 2 * (layer["stride"],)
        made = lax.conv_general_dilated(value, net.weight(layer), strides, pad, dimension_numbers=_AXES)
        return made + net.bias(layer)[:, None, None]

    def max_pool(layer: "Dict[str, Any]", value: "Any") -> "Any":
        size, strides = 2 * (layer["kernel"],), 2 * (layer["stride"],)
        return lax.reduce_window(value, -jnp.inf, lax.max, (1, 1, *size), (1, 1, *strides), "VALID")

    makers = {
        "conv": conv,
        "max_pool": max_pool,
        "dense": lambda layer, value: value.reshape(value.shape[0], -1) @ net.weight(layer).T + net.bias(layer),
        "mean": lambda layer, value: value.mean((2, 3)),
        "relu": lambda layer, value: jnp.maximum(value, 0),
        "concat": lambda layer, *values: jnp.concatenate(values, 1),
    }

    def run(*given: "Any") -> "Any":
        values = net.walk(makers, dict(zip(net.inputs, given, strict=True)))
        return {name: values[name] for name in net.outputs}

    (batch,) = export.symbolic_shape("batch")
    shapes = [jax.ShapeDtypeStruct((batch, *shape), jnp.float32) for shape in net.inputs.values()]
    made = export.export(jax.jit(run), platforms=["cpu"])(*shapes)
    with open(makes, "wb") as file:
        file.write(made.serialize())


main()
