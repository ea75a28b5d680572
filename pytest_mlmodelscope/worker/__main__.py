"""The archive's entry: ``python -I worker.zip``."""

from pytest_mlmodelscope.worker.serve import main

main()
