"""The characters that a recogniser of PP-OCR tells apart, one a line, as they stand in its ONNX file's metadata."""

import sys

import onnxruntime


def main() -> None:
    """Write them into the file that is asked for."""
    makes, given = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    session = onnxruntime.InferenceSession(given["model"], providers=["CPUExecutionProvider"])
    found = session.get_modelmeta().custom_metadata_map["character"]
    with open(makes, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(found.splitlines()) + "\n")


if __name__ == "__main__":
    main()
