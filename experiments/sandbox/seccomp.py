"""The system calls that a program in the sandbox may not make, as a filter that the kernel enforces.

The namespaces already hide files, network and processes; the filter closes what is left: new processes (so that the limits of
one process are the limits of all), new namespaces, memory that no limit counts, kernel interfaces with a history of holes.
Threads stay allowed. Source: Linux `Documentation/userspace-api/seccomp_filter.rst`; numbers: `asm/unistd.h`.
"""

import errno
import struct

FIRST_NEW = 424
"""Calls of Linux 5.1 and later have the same numbers on all machines, from here on: io_uring, clone3, the new mount calls."""

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES = tuple(AUDIT_ARCH)
CLONE = {"x86_64": 56, "aarch64": 220}
DENIED: dict[str, tuple[int | None, int | None]] = {  # numbers on x86_64 and on aarch64
    # other programs and processes; `clone` is looked at more closely
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    # the network, also where no network namespace reaches (AF_VSOCK, AF_ALG)
    "socket": (41, 198),
    # memory outside of the address space that RLIMIT_AS counts
    "memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "mlock": (149, 228), "mlock2": (325, 284), "mlockall": (151, 230), "vmsplice": (278, 75),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    # the kernel itself
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224),
    "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171), "sethostname": (170, 161),
    "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "personality": (135, 92),
}  # fmt: skip

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF instructions
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x10000


def build_filter(machine: str) -> bytes:
    """The filter as an array of `struct sock_filter`.

    A denied call fails with EPERM. A call that is newer than this list fails with ENOSYS, for which every C library knows the
    older way. A call by the numbers of another machine (32 bit) ends the process.

    Raises:
        KeyError: The machine is none of `MACHINES`.
    """
    arch, clone = AUDIT_ARCH[machine], CLONE[machine]
    column = MACHINES.index(machine)
    code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, FIRST_NEW),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
        (_EQUAL, 0, 4, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
    ]
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERROR | errno.EPERM)]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
