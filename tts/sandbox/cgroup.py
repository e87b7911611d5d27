"""A control group (version 2) around a sandbox, where this process may make one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tts.sandbox.types import Limits

ROOT = Path("/sys/fs/cgroup")
_MB = 1 << 20
_OWN_MB = 32  # the supervisor and bwrap


@dataclass(frozen=True, slots=True)
class Group:
    """A control group that bounds the memory and the number of processes of one sandbox together."""

    folder: Path

    @classmethod
    def make(cls, limits: Limits, parent: Path | None = None) -> Group | None:
        """Make a group below that of this process; None if the kernel or our rights do not allow one."""
        parent = parent or _own()
        if parent is None:
            return None
        try:
            controllers = (parent / "cgroup.subtree_control").read_text().split()
            if not {"memory", "pids"} <= set(controllers):
                return None
            group = cls(Path(tempfile.mkdtemp(prefix="tts-sandbox-", dir=parent)))
        except OSError:
            return None
        memory = (limits.memory_mb + limits.files_mb + _OWN_MB) * _MB
        try:
            for file, value in (("memory.max", memory), ("memory.oom.group", 1), ("pids.max", limits.processes + 4)):
                (group.folder / file).write_text(str(value))
            with suppress(OSError):  # a kernel without swap has no such file
                (group.folder / "memory.swap.max").write_text("0")
        except OSError:
            group.close()
            return None
        return group

    def add(self, pids: Iterable[int]) -> None:
        """Move processes into the group; those that have ended are left out."""
        for pid in pids:
            with suppress(OSError):
                (self.folder / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        """Remove the group. Its processes must have ended."""
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")
        with suppress(OSError):
            self.folder.rmdir()


def _own() -> Path | None:
    """Return the folder of this process's group; None without control groups of version 2."""
    if not (ROOT / "cgroup.controllers").is_file():
        return None
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    return ROOT / own.strip("/") if own is not None else None
