"""What the conformance tests of frameworks share: three items, and scripts that run where a framework is."""

import subprocess
import textwrap

import numpy as np

ITEMS = [{"x": row} for row in np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4)]
X = {"name": "x", "dtype": "float32", "shape": ["batch", 4]}
OUTPUTS = [{"name": "y"}, {"name": "z"}]


def run_inside(environment, script, *arguments):
    """Run a script in a framework's own environment."""
    command = [environment.python, "-I", "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
