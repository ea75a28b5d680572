"""Files that want to do harm, or are broken: refused with a sentence, within bounds, and nothing in them is run."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import textwrap
import zipfile

import onnx
import pytest
from onnx import TensorProto, helper
from protobuf import message

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.importers import _bounded
from pytest_mlmodelscope.library.described import described


class Bomb:
    def __reduce__(self):
        return (open, ("/tmp/this-was-run", "w"))  # never called


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def refused(path, *words):
    with pytest.raises(DocumentError) as caught:
        described(path)
    assert path.name in str(caught.value.where) or caught.value.where
    for word in words:
        assert word in str(caught.value)
    return caught.value


def test_a_pickle_is_not_opened(tmp_path):
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb()))
    refused(tmp_path / "model.pt", "is a pickle")


def test_a_pickle_in_an_archive_is_read_and_not_done(tmp_path):
    code = "class Net(Module):\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    return x\n"
    root = b"\x80\x02c__torch__\nNet\nq\x00" + pickle.dumps(Bomb(), 2)[2:]
    path = archive(tmp_path / "m.pt", **{"m/data.pkl": root, "m/code/__torch__.py": code})
    assert [one.name for one in described(path).inputs] == ["x"]
    archive(path, **{"m/data.pkl": pickle.dumps(Bomb(), 2), "m/code/__torch__.py": code})
    refused(path, "its root object has no code")


@pytest.mark.parametrize(("name", "member"), [("m.keras", "config.json"), ("m.pt", "m/data.pkl")])
def test_a_member_that_unpacks_to_gigabytes_is_read_no_further_than_the_bound(name, member, tmp_path, monkeypatch):
    monkeypatch.setattr(_bounded.Archive.read, "__defaults__", (1000,))
    path = archive(tmp_path / name, **{member: b" " * 1_000_000, "m/code/__torch__.py": ""})
    refused(path, "larger than 1,000 bytes")


def test_an_archive_of_very_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(_bounded, "_MEMBERS", 3)
    refused(archive(tmp_path / "m.keras", a="", b="", c="", d=""), "4 members, more than 3")


def nested(depth, number):
    data = b""
    for _ in range(depth):
        data = message((number, data))
    return data


@pytest.mark.parametrize(
    ("name", "content"),
    [
        # A graph in an attribute of a node of a graph in an attribute, and so on.
        ("m.onnx", message((7, nested(3000, 1)))),
        ("m.onnx", b"\x3a\xff\xff\xff\xff\x07" + b"x" * 100),  # a field that claims two gigabytes
        ("m.onnx", b"\xff" * 64),
        ("m.pb", b"\n\xff\xff\xff\xff\x07"),
        ("saved_model.pb", b"\x12\xff\xff\xff\xff\x07"),
        ("saved_model.pb", b"\xff" * 64),
        ("m.tflite", b"\x08\x00\x00\x00TFL3" + b"\xff" * 64),
        ("m.tflite", struct.pack("<I", 2**31) + b"TFL3"),
        ("m.xml", b"<net name='x'><layers><layer type='Parameter'>"),
        ("m.xml", b"<!DOCTYPE net [<!ENTITY a 'b'>]><net name='&a;'/>"),
        ("m.keras", b"PK\x03\x04nothing"),
        ("m.pt", b"PK\x03\x04nothing"),
    ],
)
def test_what_is_broken_is_refused_with_its_file(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    error = refused(tmp_path / name)
    assert error.what


def test_definitions_that_grow_are_refused_before_they_are_read(tmp_path):
    entities = "".join(f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(20))
    (tmp_path / "m.xml").write_text(f"<!-- <net --><!DOCTYPE net [<!ENTITY a0 'b'>{entities}]><net name='&a20;'/>")
    refused(tmp_path / "m.xml", "definitions of its own")


def test_a_file_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)  # takes no place on the disk
    refused(path, "3,221,225,472")


@pytest.mark.parametrize("place", ["../outside.bin", "/etc/passwd", "missing.bin"])
def test_weights_from_elsewhere_are_not_opened(place, tmp_path):
    weight = TensorProto(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=place)
    value = [helper.make_tensor_value_info("x", 1, [1])]
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", value, value, [weight])
    (tmp_path / "inner").mkdir()
    (tmp_path / "outside.bin").write_bytes(b"1234")
    path = tmp_path / "inner" / "m.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    assert onnx.ModelProto.FromString(path.read_bytes()).graph.name == "g"
    refused(path, place)


def test_thousands_of_inputs_are_no_model_for_a_person(tmp_path):
    inputs = [helper.make_tensor_value_info(f"x{n}", 1, [1]) for n in range(1000)]
    graph = helper.make_graph([helper.make_node("Sum", ["x0"], ["y"])], "g", inputs, inputs[:1])
    (tmp_path / "m.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    refused(tmp_path / "m.onnx", "1,001 inputs and outputs, more than 256")


def test_a_configuration_nested_too_deeply(tmp_path):
    path = archive(tmp_path / "m.keras", **{"config.json": "[" * 200_000})
    refused(path, "no whole Keras model")


def test_what_no_importer_reads_is_told_the_formats(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    error = refused(tmp_path / "notes.txt", "is of no format that is known")
    assert all(name in str(error.expected) for name in names("importers"))
    with pytest.raises(UsageError, match="no such file"):
        described(tmp_path / "nowhere.onnx")


def test_memory_stays_bounded_whatever_an_archive_claims(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file, file.open("config.json", "w") as member:
        for _ in range(512):
            member.write(b" " * 2**20)
    (tmp_path / "m.keras").write_bytes(buffer.getvalue())
    code = f"""
        import json, pathlib, resource
        from pytest_mlmodelscope.core.errors import DocumentError
        from pytest_mlmodelscope.library.described import described
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            described(pathlib.Path({str(tmp_path / "m.keras")!r}))
        except DocumentError as error:
            print(json.dumps([str(error), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    told, grown = json.loads(done.stdout)
    assert "larger than" in told
    assert grown * 1024 < 4 * _bounded.TEXT
