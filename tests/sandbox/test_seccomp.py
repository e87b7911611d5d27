"""The filter of system calls, run by a reader of its instructions written from the kernel's documentation."""

from __future__ import annotations

import struct

import pytest

from tts.sandbox.seccomp import MACHINES, program

ALLOW, DENY, ABSENT, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
THREAD = 0x3D0F00  # the flags of clone for a thread of the C library
OPENAT = {"x86_64": 257, "aarch64": 56}


def decide(code: bytes, audit: int, number: int, argument: int = 0) -> int:
    """Run the filter on one call: seccomp_data is the number, the architecture, the address, the arguments."""
    data = struct.pack("<iIQ6Q", number, audit, 0, argument, 0, 0, 0, 0, 0)
    steps = list(struct.iter_unpack("<HBBI", code))
    at, held = 0, 0
    while True:
        kind, yes, no, value = steps[at]
        at += 1
        if kind == 0x20:
            [held] = struct.unpack_from("<I", data, value)
        elif kind == 0x06:
            return int(value)
        else:
            at += yes if {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[kind] else no


@pytest.mark.parametrize("name", MACHINES)
def test_denied_calls_are_denied_and_others_allowed(name: str) -> None:
    machine, code = MACHINES[name], program(name)
    assert code is not None

    def verdict(number: int, argument: int = 0) -> int:
        assert code is not None
        return decide(code, machine.audit, number, argument)

    assert {verdict(number) for number in machine.denied.values()} == {DENY}
    assert verdict(OPENAT[name]) == ALLOW
    assert verdict(machine.clone, THREAD) == ALLOW
    assert verdict(machine.clone, 0x10000000 | 17) == DENY  # a user namespace
    assert verdict(435) == ABSENT
    assert [verdict(machine.socket, family) for family in (1, 2, 10)] == [ALLOW] * 3
    assert [verdict(machine.socket, family) for family in (16, 17, 40)] == [DENY] * 3
    assert decide(code, 0x40000003, OPENAT[name]) == KILL  # calls of a 32-bit program


def test_there_is_no_filter_for_a_machine_whose_numbers_are_unknown() -> None:
    assert program("riscv64") is None
