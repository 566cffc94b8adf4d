"""Imports every Python stub of a folder, messages and services, so that one that only looks right is found."""

import importlib
import sys
from pathlib import Path

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
modules = [".".join(path.relative_to(folder).with_suffix("").parts) for path in sorted(folder.rglob("*_pb2*.py"))]
for module in modules:
    importlib.import_module(module)
print(f"{len(modules)} modules")
