"""What a model's file would do beside computing: seen in its text, before anything of it is loaded."""

import re
import zipfile

#: Operators that read or write files, as TorchScript and as exported programs spell them.
_TOUCHES = re.compile(
    rb"\b(?:torch|ops\.aten)\.(from_file|save)\(|\bops\.debugprims\.(load_tensor)\(|"
    rb"\btorch\.ops\.aten\.(from_file|save)\b|\btorch\.ops\.debugprims\.(load_tensor)\b"
)
_COMPILED = "data/aotinductor/"


def refuse(path: str) -> None:
    """Refuse a model that uses files, or brings compiled code.

    Raises ValueError. What is no archive is left to PyTorch to refuse. This is a courtesy: what
    holds a hostile model is the worker's confinement.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if _COMPILED in name:
                raise ValueError("the model brings compiled code (%s), which is not run here" % name)
            if name.endswith((".py", "/models/model.json", ".json")):
                found = _TOUCHES.search(archive.read(name))
                if found:
                    raise ValueError("the model uses files: it calls %s (in %s)" % (_operator(found), name))


def _operator(found: "re.Match[bytes]") -> str:
    return next(name for name in found.groups() if name).decode("ascii")
