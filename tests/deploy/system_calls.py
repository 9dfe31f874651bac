"""Runs a program under the very system call filter that its unit asks systemd for.

    python -m tests.deploy.system_calls UNIT-FILE PROGRAM ARGUMENTS …

There is no systemd to start units with in a container; its filter, which is what breaks programs,
is laid on here by the same library, from the unit's own lines and systemd's own groups of calls.
"""

import ctypes
import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

_ALLOW, _ERRNO, _EPERM = 0x7FFF0000, 0x00050000, 1
_PR_SET_NO_NEW_PRIVS = 38


def allowed_calls(unit):
    """The names left by the unit's SystemCallFilter lines; a later line beats an earlier one."""
    allowed = set()
    for line in Path(unit).read_text().splitlines():
        key, _, value = line.partition("=")
        if key == "SystemCallFilter":
            taken_away = value.startswith("~")
            for name in value.removeprefix("~").split():
                calls = _expanded(name)
                allowed = allowed - calls if taken_away else allowed | calls
    # systemd always allows these, so that a service can start and stop at all.
    return allowed | _expanded("@default")


def _expanded(name):
    if not name.startswith("@"):
        return {name}
    # systemd 257's own tools notify too: with nobody reading that socket, the eleventh would wait.
    quiet = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
    shown = subprocess.run(
        ["systemd-analyze", "syscall-filter", name],
        env=quiet,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = [line.strip() for line in shown.splitlines()[1:]]
    inner = [word for word in words if word and not word.startswith("#")]
    return set().union(*(_expanded(word) for word in inner)) if inner else set()


def confine(names):
    """From here on, any other call of this process and its children fails with EPERM."""
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    for function in (library.seccomp_rule_add, library.seccomp_load):
        function.argtypes = None
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | _EPERM))
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add(context, _ALLOW, number, 0)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if library.seccomp_load(context) != 0:
        raise SystemExit("the filter could not be loaded")


if __name__ == "__main__":
    confine(allowed_calls(sys.argv[1]) | {"execve"})
    os.execv(sys.argv[2], sys.argv[2:])
