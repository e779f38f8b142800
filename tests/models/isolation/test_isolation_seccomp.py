"""The filter of system calls, run by an interpreter of its instructions."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from genomark.errors import UsageError
from genomark.models.isolation.seccomp import refused_calls, seccomp_program

_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X86, _ARM = 0xC000003E, 0xC00000B7


def judged(machine: str, architecture: int, number: int, *arguments: int) -> int:
    """Run the program as linux/filter.h says, on a `struct seccomp_data`."""
    values = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *values)
    steps = list(struct.iter_unpack("<HBBI", seccomp_program(machine)))
    accumulator = place = 0
    while True:
        code, if_true, if_false, value = steps[place]
        place += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            met = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[code]
            place += if_true if met else if_false


def refusal(number: int) -> int:
    return _ERRNO | number


@pytest.mark.parametrize(
    ("machine", "architecture", "read", "clone", "prctl", "socket", "ioctl"),
    [("x86_64", _X86, 0, 56, 157, 41, 16), ("aarch64", _ARM, 63, 220, 167, 198, 29)],
)
def test_calls_are_judged_by_number_and_arguments(
    machine: str, architecture: int, read: int, clone: int, prctl: int, socket: int, ioctl: int
) -> None:
    def judge(number: int, *arguments: int) -> int:
        return judged(machine, architecture, number, *arguments)

    assert judge(read, 3) == _ALLOW
    assert {judge(each) for each in refused_calls(machine).values()} == {refusal(errno.EPERM)}
    assert judge(435) == refusal(errno.ENOSYS)
    # To set the signal at its parent's death, which is said to be done; to read it.
    assert judge(prctl, 1, 9) == refusal(0)
    assert judge(prctl, 2, 0) == _ALLOW
    # A thread, as the C library makes it, and a process in a user namespace of its own.
    assert judge(clone, 0x3D0F00) == _ALLOW
    assert judge(clone, 0x10000000 | 17) == refusal(errno.EPERM)
    assert [judge(socket, family) for family in (1, 2, 10)] == [_ALLOW] * 3
    for family in (0, 16, 17, 40, (1 << 32) + 40):
        assert judge(socket, family) == refusal(errno.EAFNOSUPPORT)
    assert judge(ioctl, 0, 0x5401) == _ALLOW
    assert judge(ioctl, 0, 0x5412) == refusal(errno.EPERM)
    # The kernel reads 32 bits of the command.
    assert judge(ioctl, 0, (1 << 32) + 0x5412) == refusal(errno.EPERM)


@pytest.mark.parametrize(
    ("machine", "architecture", "setsockopt"), [("x86_64", _X86, 54), ("aarch64", _ARM, 208)]
)
def test_sizes_of_buffers_of_sockets_are_said_to_be_set(
    machine: str, architecture: int, setsockopt: int
) -> None:
    # SOL_SOCKET: SO_REUSEADDR, SO_SNDBUF, SO_RCVBUF; IPPROTO_TCP: TCP_CORK.
    for level, option, verdict in (
        (1, 2, _ALLOW),
        (1, 7, refusal(0)),
        (1, 8, refusal(0)),
        (6, 7, _ALLOW),
    ):
        assert judged(machine, architecture, setsockopt, 3, level, option) == verdict


def test_other_ways_to_call_the_kernel_are_refused() -> None:
    # i386 on x86_64, whose numbers mean other calls, and the ABI of x32.
    assert judged("x86_64", 0x40000003, 0) == _KILL
    assert judged("x86_64", _X86, 0x40000000 | 101) == refusal(errno.ENOSYS)


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_numbers_are_those_of_the_kernel(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not here (linux-libc-dev)")
    text = Path(header).read_text()
    found = dict(re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", text, re.MULTILINE))
    known = {name: int(number) for name, number in found.items()}
    told = refused_calls(machine)
    # Headers may be older than the newest calls.
    assert {name: told[name] for name in told if name in known} == {
        name: known[name] for name in told if name in known
    }
    assert len(told.keys() & known.keys()) > 40


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(UsageError, match="x86_64 and aarch64, and this is riscv64"):
        seccomp_program("riscv64")
