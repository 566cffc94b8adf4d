"""The API as `proto/` describes it: compiled with grpcio-tools into one descriptor set, messages made from it."""

import functools
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from .server import ROOT, TARGET

PROTO = ROOT / "proto"


def compile_descriptors():
    """The path of the descriptor set of `proto/`, compiled if its text is new."""
    files = sorted(PROTO.rglob("*.proto"))
    text = b"".join(str(path.relative_to(PROTO)).encode() + path.read_bytes() for path in files)
    out = TARGET / "clients" / f"proto-{hashlib.sha256(text).hexdigest()[:16]}.pb"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = out.with_suffix(f".{os.getpid()}")
        well_known = Path(grpc_tools.__file__).parent / "_proto"
        subprocess.run(
            [
                sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"-I{well_known}", "--include_imports",
                f"--descriptor_set_out={unfinished}", *map(str, files),
            ],
            check=True,
        )  # fmt: skip
        unfinished.rename(out)
    return out


@dataclass(frozen=True)
class Method:
    """One operation: where it is called and with what."""

    name: str
    service: str
    path: str
    input: Any
    output: Any
    reads: bool


class Descriptors:
    """Operations by name, and the message classes of the whole API."""

    def __init__(self, path):
        self.pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet.FromString(Path(path).read_bytes())
        for file in files.file:
            self.pool.Add(file)
        self.methods = {}
        for file in files.file:
            for service in file.service:
                descriptor = self.pool.FindServiceByName(f"{file.package}.{service.name}")
                for method in descriptor.methods:
                    self.methods[method.name] = self._method(descriptor, method)

    def _method(self, service, method):
        reads = method.GetOptions().idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        return Method(
            name=method.name,
            service=service.full_name,
            path=f"/{service.full_name}/{method.name}",
            input=message_factory.GetMessageClass(method.input_type),
            output=message_factory.GetMessageClass(method.output_type),
            reads=reads,
        )

    def method(self, name):
        """The operation of a name; names are unique over all services."""
        assert name in self.methods, f"proto/ has no operation {name}"
        return self.methods[name]


@functools.cache
def descriptors():
    """The one set of this process."""
    return Descriptors(compile_descriptors())
