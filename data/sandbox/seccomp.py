"""The filter of system calls that a job runs under, as a program of Linux's BPF.

A job is one process with threads, alone: it cannot start others, run another file, reach a network, talk to the kernel
about namespaces, keys or tracing, hold memory that its limits do not count, or lock files that others see. Everything
else is left to namespaces and limits.
"""

import errno
import platform
import struct

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x10000
_X32 = 0x40000000

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

REFUSED: dict[str, tuple[int | None, int | None]] = {
    # processes and files that are run
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    # networks, also those inside of one machine
    "socket": (41, 198),
    # memory and messages beside those of the process
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "mq_open": (240, 180),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    # what reaches others through files that all may read: locks, and waiting for every disk
    "flock": (73, 32), "sync": (162, 81), "syncfs": (306, 267),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "move_mount": (429, 429), "open_tree": (428, 428), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262),
    # the kernel's keys, tracers and queues, in which most ways out have been found
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "syslog": (103, 116),
}  # fmt: skip
"""Their numbers on x86_64 and aarch64: the call fails with EPERM."""
_CLONE, _CLONE3 = (56, 220), (435, 435)


def filter_program(machine: str | None = None) -> bytes:
    """The filter for a machine (this one), 8 bytes an instruction; b"" where its numbers are not known."""
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        return b""
    column = list(ARCHITECTURES).index(machine)
    program = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, ARCHITECTURES[machine], yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":  # the same calls by other numbers
        program += [_instruction(_AT_LEAST, _X32, no=1), _instruction(_RETURN, _KILL)]
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            program += [_instruction(_EQUAL, number, no=1), _instruction(_RETURN, _REFUSE | errno.EPERM)]
    program += [  # libc tries clone3, whose arguments a filter cannot see, and then clone
        _instruction(_EQUAL, _CLONE3[column], no=1),
        _instruction(_RETURN, _REFUSE | errno.ENOSYS),
        _instruction(_EQUAL, _CLONE[column], no=3),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_BIT, _CLONE_THREAD, yes=1),
        _instruction(_RETURN, _REFUSE | errno.EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(program)


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    """yes, no: how many instructions are skipped after a comparison."""
    return struct.pack("=HBBI", code, yes, no, value)
