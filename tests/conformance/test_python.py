"""Functions and objects of Python packages keep every rule."""

from tiny import ITEMS, OUTPUTS, X

from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

TEXT = {"name": "text", "dtype": "string", "shape": ["batch"]}
TEXTS = [{"text": "one"}, {"text": "zwei"}, {"text": "\N{DIGIT THREE} drei"}]


class TestPythonFunction(FrameworkTests):
    framework = "python"

    def build(self, folder, environment):
        return TinyModel(options={"entry": "builtins:str.upper"}, inputs=[TEXT], outputs=OUTPUTS[:1], items=TEXTS)


class TestPythonObject(FrameworkTests):
    """An object with a method, and a place inside what it returns."""

    framework = "python"

    def build(self, folder, environment):
        options = {"entry": "re:compile", "construct": {"args": ["[aeiou]"]}, "call": "search", "result": "pos"}
        return TinyModel(options=options, inputs=[TEXT], outputs=OUTPUTS[:1], items=TEXTS)


class TestPythonBatch(FrameworkTests):
    """A function that takes all items at once."""

    framework = "python"

    def build(self, folder, environment):
        return TinyModel(
            options={"entry": "numpy:negative", "batch": True}, inputs=[X], outputs=OUTPUTS[:1], items=ITEMS
        )
