"""The library: what every door to the project calls - command line, REST, web pages, pytest and Python itself.

``pytest_mlmodelscope`` itself offers the names of this package, and imports it only when one is used.
"""
