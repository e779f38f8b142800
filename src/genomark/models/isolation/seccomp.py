"""System calls that a sandbox refuses, as a program for the kernel's filter (seccomp, classic BPF).

What is refused lets code see or hold what the other measures do not cover: sockets of virtual
machines (``AF_VSOCK``), which lead to the host past every network namespace; keyrings, which may
hold tickets of the user's; memory that no process is charged for; and calls that no model needs and
in which the kernel has had most of its holes.
"""

from __future__ import annotations

import errno
import platform
import struct

from genomark.errors import UsageError

#: Number of `AUDIT_ARCH` in linux/audit.h, and the column of `_REFUSED`.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
#: Where `struct seccomp_data` has them.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT, _THIRD_ARGUMENT = 0, 4, 16, 24, 32
#: From here on calls of x86_64 are of its ABI with pointers of 32 bits.
_X32 = 0x40000000

#: Numbers of x86_64 and aarch64 (linux/asm/unistd.h); None where there is no such call.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # Mounts and namespaces.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    # Keyrings.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Memory that is nobody's.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # Files by handle, whatever is mounted.
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # Much kernel, and no use to a model.
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "personality": (135, 92),
    # The machine itself.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
}
#: Its flags lie where the filter cannot look; without it the C library takes `clone`.
_CLONE3 = (435, 435)
_CLONE, _SOCKET, _IOCTL, _PRCTL = (56, 220), (41, 198), (16, 29), (157, 167)
_SETSOCKOPT = (54, 208)
#: ``SO_SNDBUF`` and ``SO_RCVBUF``: memory of the kernel that no process is charged for.
_SOL_SOCKET, _BUFFERS = 1, (7, 8)
#: ``PR_SET_PDEATHSIG``, by which a sandbox dies with who started it: nothing is changed any more.
_DEATH_SIGNAL = 1
#: Every ``CLONE_NEW*``.
_NEW_NAMESPACES = 0x7E020000
#: AF_UNIX, AF_INET, AF_INET6: the sandbox has a network namespace of its own for these.
_FAMILIES = (1, 2, 10)
#: Typing into a terminal, and its Linux console.
_TERMINAL = (0x5412, 0x541C)


def refused_calls(machine: str | None = None) -> dict[str, int]:
    """Give names and numbers of the calls that are refused whatever their arguments."""
    _, column = _machine(machine)
    return {name: found for name, each in _REFUSED.items() if (found := each[column]) is not None}


def seccomp_program(machine: str | None = None) -> bytes:
    """Write the filter as an array of ``struct sock_filter``.

    Parameters
    ----------
    machine : str, optional
        As `platform.machine` names it; this one by default.

    Raises
    ------
    UsageError
        If the numbers of its system calls are not known here.
    """
    architecture, column = _machine(machine)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if column == 0:
        steps += _if(_JUMP_ABOVE, _X32, [_refusal(errno.ENOSYS)])
    for number in refused_calls(machine).values():
        steps += _if(_JUMP_EQUAL, number, [_refusal(errno.EPERM)])
    steps += _if(_JUMP_EQUAL, _CLONE3[column], [_refusal(errno.ENOSYS)])
    steps += _if(
        _JUMP_EQUAL,
        _CLONE[column],
        [
            _step(_LOAD, _FIRST_ARGUMENT),
            *_if(_JUMP_ANY, _NEW_NAMESPACES, [_refusal(errno.EPERM)]),
            _step(_RETURN, _ALLOW),
        ],
    )
    allowed: list[bytes] = []
    for family in _FAMILIES:
        allowed += _if(_JUMP_EQUAL, family, [_step(_RETURN, _ALLOW)])
    steps += _if(
        _JUMP_EQUAL,
        _SOCKET[column],
        [_step(_LOAD, _FIRST_ARGUMENT), *allowed, _refusal(errno.EAFNOSUPPORT)],
    )
    typing: list[bytes] = []
    for command in _TERMINAL:
        typing += _if(_JUMP_EQUAL, command, [_refusal(errno.EPERM)])
    steps += _if(_JUMP_EQUAL, _IOCTL[column], [_step(_LOAD, _SECOND_ARGUMENT), *typing])
    steps += _if(
        _JUMP_EQUAL,
        _PRCTL[column],
        [_step(_LOAD, _FIRST_ARGUMENT), *_if(_JUMP_EQUAL, _DEATH_SIGNAL, [_refusal(0)])],
    )
    sizes: list[bytes] = []
    for option in _BUFFERS:
        sizes += _if(_JUMP_EQUAL, option, [_refusal(0)])
    of_sockets = [_step(_LOAD, _THIRD_ARGUMENT), *sizes, _step(_RETURN, _ALLOW)]
    own_level = [_step(_LOAD, _SECOND_ARGUMENT), *_if(_JUMP_EQUAL, _SOL_SOCKET, of_sockets)]
    steps += _if(_JUMP_EQUAL, _SETSOCKOPT[column], own_level)
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _machine(machine: str | None) -> tuple[int, int]:
    name = platform.machine() if machine is None else machine
    if name not in _MACHINES:
        raise UsageError(
            f"models are isolated on Linux on {' and '.join(_MACHINES)}, and this is {name}; "
            "run it on such a machine"
        )
    return _MACHINES[name]


def _if(jump: int, value: int, then: list[bytes]) -> list[bytes]:
    return [_step(jump, value, 0, len(then)), *then]


def _refusal(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
