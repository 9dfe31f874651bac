"""A node's own C library, in our hand: its clock jumps, its files are refused. See libc_shim.c.

The library is compiled on the spot and preloaded into the node and its children; a shared file
tells it what to do, at once and for all of them.
"""

import mmap
import struct
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("libc_shim.c")
_FIELDS = (
    "offset_ns",
    "synchronised",
    "calls",
    "first",
    "last",
    "every",
    "error",
    "reads",
    "refused",
)


class Shim:
    """One preloaded library; its fields can be read and set at any time."""

    def __init__(self, build, folder):
        self._library = build
        path = folder / "shim"
        path.write_bytes(bytes(8 * len(_FIELDS)))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(build), "SHIM_CONTROL": str(path)}

    def guard(self, folder):
        """Count and refuse calls on files below `folder`."""
        self.environment["SHIM_FOLDER"] = str(folder)

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("q", self._memory, 8 * _FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("q", self._memory, 8 * _FIELDS.index(name))[0]

    def refuse(self, error, first=0, last=0, every=0, *, reads=False):
        """From now on; counting begins anew."""
        self.set(error=0)
        self.set(calls=0, first=first, last=last, every=every, refused=0, reads=reads)
        self.set(error=error)

    def shift_clock(self, seconds):
        """The wall clock is so far from the true time; 0 sets it right."""
        self.set(offset_ns=round(seconds * 1e9))


@pytest.fixture(scope="session")
def shim_library(tmp_path_factory):
    built = tmp_path_factory.mktemp("shim") / "libc_shim.so"
    command = ["gcc", "-O1", "-Wall", "-shared", "-fPIC", "-D_GNU_SOURCE"]
    subprocess.run([*command, SOURCE, "-o", built, "-ldl"], check=True)
    return built


@pytest.fixture
def shim(shim_library, tmp_path):
    return Shim(shim_library, tmp_path)
