"""A framework whose model runs the code that it is asked about: what any hostile model amounts to."""

import numpy


class Predictor:
    def __init__(self, names):
        self._names = names

    def predict(self, inputs):
        """What the code says in ``result``, else "done"; "refused" where the system does not let it."""
        return {"said": numpy.array([self._run(code) for code in inputs["code"]])}

    def _run(self, code):
        names = dict(self._names, result="done")
        try:
            exec(code, names)
        except OSError as error:
            return f"refused: {error}"
        return str(names["result"])

    def describe(self):
        return {"framework": "attempting"}


def load(request):
    return Predictor(request["options"])
