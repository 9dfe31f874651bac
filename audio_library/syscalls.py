"""System calls the confined worker may make, by architecture: decoding, memory, threads, clocks.

Nothing here opens, names, executes, connects or signals another process.
"""

import platform

# Call → number on (x86_64, aarch64); None where the architecture has no such call.
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "brk": (12, 214),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "close": (3, 57),
    "dup": (32, 23),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fcntl": (72, 25),
    "fdatasync": (75, 83),
    "fstat": (5, 80),
    "fsync": (74, 82),
    "ftruncate": (77, 46),
    "futex": (202, 98),
    "getcpu": (309, 168),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "getuid": (102, 174),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "read": (0, 63),
    "readv": (19, 65),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "set_robust_list": (273, 99),
    "sigaltstack": (131, 132),
    "sysinfo": (99, 179),
    "time": (201, None),
    "tgkill": (234, 131),  # glibc's abort(); kill() itself is not allowed
    "uname": (63, 160),
    "write": (1, 64),
    "writev": (20, 66),
}
_MAPPING = ((9, 222), (10, 226))  # mmap, mprotect
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_MACHINES = ("x86_64", "aarch64")


class Calls:
    """The numbers for this machine. Raises LookupError on an architecture that is not listed."""

    def __init__(self, machine: str | None = None) -> None:
        machine = machine or platform.machine()
        if machine not in _MACHINES:
            raise LookupError(machine)
        column = _MACHINES.index(machine)
        self.audit_arch = _AUDIT_ARCH[machine]
        numbers = (pair[column] for pair in _ALLOWED.values())
        self.allowed = sorted(number for number in numbers if number is not None)
        self.mapping = [pair[column] for pair in _MAPPING]
        self.clone = _CLONE[column]
        self.clone3 = _CLONE3[column]
