"""The messages of proto/ as Google's implementation reads them; ends the test where that is not there."""

import importlib
import pathlib
import shutil
import subprocess
import sys

PROTO = pathlib.Path(__file__).parent.parent.parent / "proto"


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def messages(folder, name):
    """The module that protoc makes of a file of proto/, in `folder`."""
    try:
        import google.protobuf  # noqa: F401
    except ImportError:
        skip("google.protobuf is not installed (Debian: python3-protobuf)")
    if shutil.which("protoc") is None:
        skip("protoc is not installed (Debian: protobuf-compiler)")
    subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={folder}", f"{name}.proto"], check=True)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"{name}_pb2")
