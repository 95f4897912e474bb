"""Keeps compiled Python code that comes from zip files, which is how Ansible brings its modules.

Python compiles what is in a zip file anew each time: half of what a task costs on a host. A throw-away host runs
the same few modules thousands of times; that is worth a folder of compiled code. Nothing but time is changed by it.
"""
# Every Python on the host reads this file first, and pathlib would take longer than the work itself:
# ruff: noqa: PTH103, PTH105, PTH119, PTH123

import hashlib
import marshal
import os
import sys
import zipimport
from types import CodeType

FOLDER = f"/var/cache/kept-code/{sys.implementation.cache_tag}"
_compile = zipimport._compile_source  # type: ignore[attr-defined]


def compile_source(path: str, source: bytes) -> CodeType:
    """What zipimport does with the text of a module, from the folder when it was done before."""
    name = os.path.basename(path)
    kept = f"{FOLDER}/{name}-{hashlib.sha256(source).hexdigest()}"
    try:
        with open(kept, "rb") as file:
            return marshal.load(file)  # noqa: S302  written below, in a folder that only its owner may enter
    except (OSError, EOFError, ValueError, TypeError):
        code = _compile(path, source)
    try:
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)
        with open(f"{kept}.{os.getpid()}", "wb") as file:
            marshal.dump(code, file)
        os.replace(f"{kept}.{os.getpid()}", kept)  # another task may read it now
    except OSError:
        pass  # another user's task, or a full disk
    return code


zipimport._compile_source = compile_source  # type: ignore[attr-defined]
