"""The Protocol of every extension point, one file each.

A member of an extension point is a *module* (or an object) that has the attributes of its
Protocol: a step is a file with ``OPTIONS`` and ``make``. Nothing is registered and nothing is
inherited; ``pytest_mlmodelscope.testing`` holds the suites that say whether a member keeps its word.
"""
