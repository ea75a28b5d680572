"""Targets: one file for each kind of machine that a case can run on. Their names are pytest markers."""

from pytest_mlmodelscope.targets._features import microarchitectures
from pytest_mlmodelscope.targets._local import arch, local_cpu
from pytest_mlmodelscope.targets._match import chosen, in_bytes, machines, require
from pytest_mlmodelscope.targets._named import named

__all__ = ["arch", "chosen", "in_bytes", "local_cpu", "machines", "microarchitectures", "named", "require"]
