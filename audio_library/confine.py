"""Shut the worker in: after `confine` it can compute and use the files it already holds, no more.

Four fences, each enough for its part: resource limits; no user rights (`nobody` where the parent
is root); Landlock with no rule at all (no path can be opened, no TCP); and a seccomp list of
allowed calls (no open, socket, exec, fork, kill, ptrace). None needs root, a user namespace or a
helper program, so it holds in containers and plain chroots too, where bubblewrap does not start.
"""

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Callable
from contextlib import suppress

from audio_library.syscalls import Calls

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # the same numbers on every architecture
_NOBODY = 65534
_CLONE_THREAD = 0x00010000

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_EPERM, _ENOSYS = 1, 38
# Classic BPF: load a word, jump if equal, jump if bits set, return.
_LOAD, _JEQ, _JSET, _RET = 0x20, 0x15, 0x45, 0x06
_NR, _ARCH, _ARG0, _ARG2 = 0, 4, 16, 32
_PROT_EXEC = 4


class NotConfined(RuntimeError):
    """The kernel offers neither of the two fences around system calls."""


class Orphaned(RuntimeError):
    """Who started this process is gone already; nobody would end it."""


def confine(memory_bytes: int, cpu_s: int, file_bytes: int, parent: int) -> None:
    """Fence this process in for good. Raises NotConfined when that cannot be done, and Orphaned.

    Everything that must be imported or opened has to be so before the call.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _limit(memory_bytes, cpu_s, file_bytes)
    _drop_rights()
    # After the change of user, which clears it: die with the parent, whatever kills that.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # killed before that: no signal will come
        raise Orphaned
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise NotConfined("no_new_privs")
    landlocked = _landlock(libc)
    filtered = _filter_calls(libc)
    if not filtered and not landlocked:
        raise NotConfined("seccomp, landlock")


def _limit(memory_bytes: int, cpu_s: int, file_bytes: int) -> None:
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _drop_rights() -> None:
    if os.geteuid() != 0:
        return
    # A user namespace may not map `nobody`; the other fences do not depend on it.
    with suppress(OSError):
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _landlock(libc: ctypes.CDLL) -> bool:
    """Allow no path and no TCP at all. False where the kernel has no Landlock (before 5.13)."""
    abi = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if abi < 1:
        return False
    paths = (1 << {1: 13, 2: 14}.get(abi, 15)) - 1
    network = 3 if abi >= 4 else 0
    scopes = 3 if abi >= 6 else 0
    rules = struct.pack("=QQQ", paths, network, scopes)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = libc.syscall(_LANDLOCK_CREATE, rules, size, 0)
    if ruleset < 0:
        return False
    shut: bool = libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return shut


def _filter_calls(libc: ctypes.CDLL) -> bool:
    try:
        program = _program(Calls())
    except LookupError:
        return False
    code = ctypes.create_string_buffer(b"".join(program))
    # struct sock_fprog { unsigned short len; struct sock_filter *filter; }
    fprog = struct.pack("@HP", len(program), ctypes.addressof(code))
    call: Callable[..., int] = libc.prctl
    return call(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, fprog, 0, 0) == 0


def _program(calls: Calls) -> list[bytes]:
    """Allowed numbers pass; a new thread passes, a new process does not; the rest is refused."""
    steps = [
        _step(_LOAD, _ARCH),
        _step(_JEQ, calls.audit_arch, 1, 0),
        _step(_RET, _KILL),  # another calling convention: its numbers mean other things
        _step(_LOAD, _NR),
    ]
    for number in calls.allowed:
        steps += [_step(_JEQ, number, 0, 1), _step(_RET, _ALLOW)]
    for number in calls.mapping:
        # Memory yes, new machine code no: whatever a broken decoder is fed stays data.
        steps += [
            _step(_JEQ, number, 0, 4),
            _step(_LOAD, _ARG2),
            _step(_JSET, _PROT_EXEC, 0, 1),
            _step(_RET, _ERRNO | _EPERM),
            _step(_RET, _ALLOW),
        ]
    steps += [
        # ENOSYS makes glibc fall back from clone3 to clone, whose flags a filter can read.
        _step(_JEQ, calls.clone3, 0, 1),
        _step(_RET, _ERRNO | _ENOSYS),
        _step(_JEQ, calls.clone, 0, 3),
        _step(_LOAD, _ARG0),
        _step(_JSET, _CLONE_THREAD, 0, 1),
        _step(_RET, _ALLOW),
        _step(_RET, _ERRNO | _EPERM),
    ]
    return steps


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    # struct sock_filter { __u16 code; __u8 jt; __u8 jf; __u32 k; }
    return struct.pack("=HBBI", code, when_true, when_false, value)
