"""A filter of system calls: what a program for answers never needs, and what would lead around the other walls.

A deny list as container engines have it: tracing, mounting, namespaces, keys, kernel memory and modules, memory that no
limit counts (System V segments, memory files), and sockets of other families than local and internet ones: a socket to
the host of a virtual machine (AF_VSOCK) belongs to no network namespace.
"""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass

_ALIKE = {  # newer calls have one number on every machine
    "pidfd_getfd": 438, "process_madvise": 440, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "fspick": 433, "mount_setattr": 442, "quotactl_fd": 443, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "memfd_secret": 447,
}  # fmt: skip
_X86_64 = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "mount": 165, "umount2": 166,
    "pivot_root": 155, "chroot": 161, "swapon": 167, "swapoff": 168, "unshare": 272, "setns": 308, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "add_key": 248, "request_key": 249, "keyctl": 250, "init_module": 175,
    "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "reboot": 169, "acct": 163,
    "quotactl": 179, "syslog": 103, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305,
    "sethostname": 170, "setdomainname": 171, "personality": 135, "shmget": 29, "shmat": 30, "shmctl": 31,
    "semget": 64, "semop": 65, "semctl": 66, "semtimedop": 220, "msgget": 68, "msgsnd": 69, "msgrcv": 70,
    "msgctl": 71, "mq_open": 240, "memfd_create": 319, "mknodat": 259, "open_by_handle_at": 304,
    "name_to_handle_at": 303, "fanotify_init": 300, "mknod": 133, "iopl": 172, "ioperm": 173, "modify_ldt": 154,
    "uselib": 134, "vhangup": 153, "_sysctl": 156,
}  # fmt: skip
_AARCH64 = {
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "mount": 40, "umount2": 39,
    "pivot_root": 41, "chroot": 51, "swapon": 224, "swapoff": 225, "unshare": 97, "setns": 268, "bpf": 280,
    "perf_event_open": 241, "userfaultfd": 282, "add_key": 217, "request_key": 218, "keyctl": 219, "init_module": 105,
    "finit_module": 273, "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "reboot": 142, "acct": 89,
    "quotactl": 60, "syslog": 116, "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266,
    "sethostname": 161, "setdomainname": 162, "personality": 92, "shmget": 194, "shmctl": 195, "shmat": 196,
    "semget": 190, "semctl": 191, "semtimedop": 192, "semop": 193, "msgget": 186, "msgctl": 187, "msgrcv": 188,
    "msgsnd": 189, "mq_open": 180, "memfd_create": 279, "mknodat": 33, "open_by_handle_at": 265,
    "name_to_handle_at": 264, "fanotify_init": 262, "vhangup": 58,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """The numbers of a processor architecture: its own, those of denied calls, and of calls denied by an argument."""

    audit: int
    denied: dict[str, int]
    clone: int
    socket: int


MACHINES = {
    "x86_64": Machine(0xC000003E, _X86_64 | _ALIKE, clone=56, socket=41),
    "aarch64": Machine(0xC00000B7, _AARCH64 | _ALIKE, clone=220, socket=198),
}

_CLONE3 = 435
_NEW_NAMESPACE = 0x7E02_0080  # CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_FAMILIES = (1, 2, 10)  # local, IPv4, IPv6
_X32 = 0x4000_0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _DENY, _ABSENT = 0x7FFF_0000, 0x8000_0000, 0x0005_0001, 0x0005_0026  # EPERM; ENOSYS


def program(architecture: str | None = None) -> bytes | None:
    """Return the filter as instructions for the kernel; None for an architecture whose numbers we do not know."""
    machine = MACHINES.get(architecture or platform.machine())
    if machine is None:
        return None
    code = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, _KILL)]
    code += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _DENY)]
    # clone3 hides its flags in memory; without it, the C library calls clone
    code += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ABSENT)]
    for number in sorted(machine.denied.values()):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _DENY)]
    code += [(_EQUAL, 0, 4, machine.clone), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _NEW_NAMESPACE)]
    code += [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    code += [(_EQUAL, 1, 0, machine.socket), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    code += [(_EQUAL, len(_FAMILIES) - index, 0, family) for index, family in enumerate(_FAMILIES)]
    code += [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
