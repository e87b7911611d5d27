"""Full CPython in namespaces of its own, through bubblewrap (``bwrap``).

Its own users, mounts, processes, network, IPC and host name. The root is read-only and holds ``/usr``, the
interpreter, five devices and one writable folder in memory. There is no ``/proc``. A filter of system calls
(:mod:`tts.sandbox.seccomp`) and resource limits do the rest; a control group bounds memory where one can be made.

Run by root, the program gets a user id that nothing else on the machine has, without capabilities. Run by another
user, it lives in a user namespace.
"""

from __future__ import annotations

import asyncio
import itertools
import marshal
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from tts.aio import in_time
from tts.sandbox import seccomp
from tts.sandbox.cgroup import Group
from tts.sandbox.processes import family, kill, resident
from tts.sandbox.types import Limits, Outcome, Run

T = TypeVar("T")

_MB = 1 << 20
_START = 15.0  # seconds that a sandbox may take to start on a busy machine
_GRACE = 2.0  # seconds that its supervisor may take beyond the limit of a run
_WATCH = 0.05  # seconds between two looks at memory
_OWN = 12 * _MB  # of an interpreter's memory, what is shared with the one that it was forked from
_USERS = itertools.cycle(range(61184, 65184))  # no package gives these user ids to anyone
_DEVICES = ("null", "zero", "full", "random", "urandom")
_PYTHON = Path("/python")
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Runs programs in bubblewrap."""

    name: str = "bubblewrap"
    inputs: bool = True

    def missing(self) -> str | None:
        """Return why it cannot isolate here; None if a trial run worked. Cached."""
        return _missing()

    async def run_each(
        self, code: str, inputs: Sequence[str], files: Mapping[str, str | bytes], limits: Limits
    ) -> list[Run]:
        """Run the program once for each input, in one sandbox if no run ends it."""
        done: list[Run] = []
        while len(done) < len(inputs):
            done += await _Session(code, inputs[len(done) :], files, limits).runs()
        return done


@cache
def _missing() -> str | None:
    if sys.platform != "linux":
        return "bubblewrap needs Linux"
    if shutil.which("bwrap") is None:
        return "install the system package bubblewrap (apt install bubblewrap)"
    if seccomp.program() is None:
        return "its filter of system calls is written for x86_64 and aarch64 only"
    try:
        [run] = in_time(lambda: asyncio.run(_trial()), 60)
    except OSError as error:
        return f"bwrap does not start: {error.strerror or 'no answer in a minute'}"
    if run.outcome is Outcome.OK and run.stdout == "42\n":
        return None
    said = run.stderr.strip().splitlines()
    return f"bwrap is installed and cannot isolate here ({said[-1] if said else run.outcome}); allow user namespaces"


async def _trial() -> list[Run]:
    return await Bubblewrap().run_each("print(6 * 7)", [""], {}, Limits(seconds=20))


def command(user: int, limits: Limits, filter_end: int) -> list[str]:
    """Return the command line of a sandbox. With ``user``, root gives its rights up for that user id."""
    line = [shutil.which("bwrap") or "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    line += ["--unshare-cgroup-try", "--new-session", "--die-with-parent", "--hostname", "sandbox"]
    line += ["--seccomp", str(filter_end)]
    line += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if user else ["--unshare-user", "--uid", "65534"]
    line += [] if user else ["--gid", "65534"]
    for name in ("etc", "dev"):  # bwrap would make them for root alone
        line += ["--perms", "0755", "--dir", f"/{name}"]
    line += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            line += ["--symlink", str(path.readlink()), f"/{name}"]
        elif path.is_dir():
            line += ["--ro-bind", f"/{name}", f"/{name}"]
    line += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    binary, prefix = _interpreter()
    if prefix:
        line += ["--perms", "0755", "--dir", str(_PYTHON), "--ro-bind", str(prefix), str(_PYTHON)]
    for name in _DEVICES:
        line += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    line += ["--perms", "1777", "--size", str(limits.files_mb * _MB), "--tmpfs", "/tmp"]
    line += ["--symlink", "/tmp", "/dev/shm", "--remount-ro", "/", "--chdir", "/tmp", "--"]
    return [*line, str(binary), "-s", "-P", "-S", "-B", "-c", _SUPERVISOR.read_text("utf-8"), str(user)]


@cache
def _interpreter() -> tuple[Path, Path | None]:
    """Return the interpreter's place in the sandbox, and the folder to mount for it; None if it is below /usr.

    The folder is mounted under another name: the one it has here may lead through folders that no one else may enter.
    """
    binary, prefix = Path(os.path.realpath(sys.executable)), Path(os.path.realpath(sys.base_prefix))
    if binary.is_relative_to("/usr"):
        return binary, None
    return _PYTHON / binary.relative_to(prefix), prefix


@cache
def _environment() -> dict[str, str]:
    """Return the environment of a sandbox. An interpreter that is a shared library finds it where it is mounted."""
    found = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
    folder, prefix = Path(os.path.realpath(sysconfig.get_config_var("LIBDIR") or "")), _interpreter()[1]
    if prefix and sysconfig.get_config_var("Py_ENABLE_SHARED") and folder.is_relative_to(prefix):
        found["LD_LIBRARY_PATH"] = str(_PYTHON / folder.relative_to(prefix))
    return found


@dataclass(slots=True)
class _Session:
    """One sandbox: its process, and what it has answered so far."""

    code: str
    inputs: Sequence[str]
    files: Mapping[str, str | bytes]
    limits: Limits
    done: list[Run] = field(default_factory=list)
    over: bool = False
    begun: float = 0.0

    async def runs(self) -> list[Run]:
        """Run until all inputs are done, or one ends the sandbox; that one's run says so. At least one run."""
        process = await self._start()
        group = Group.make(self.limits)
        watch: asyncio.Task[None] | None = None
        errors = asyncio.create_task(_tail(process.stderr))
        try:
            if await self._ready(process):
                if group:
                    group.add(family(process.pid))
                watch = asyncio.create_task(self._watch(process.pid))
                await self._serve(process)
        finally:
            if watch:
                watch.cancel()
            kill(process.pid)
            await process.wait()
            said = await errors
            if group:
                group.close()
        if len(self.done) < len(self.inputs):
            self.done.append(self._ended(said))
        return self.done

    async def _start(self) -> asyncio.subprocess.Process:
        filter_end, writer = os.pipe()
        try:
            os.write(writer, seccomp.program() or b"")
            os.close(writer)
            return await asyncio.create_subprocess_exec(
                *command(next(_USERS) if os.geteuid() == 0 else 0, self.limits, filter_end),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=_environment(),
                cwd="/",
                pass_fds=[filter_end],
                start_new_session=True,
            )
        finally:
            os.close(filter_end)

    async def _ready(self, process: asyncio.subprocess.Process) -> bool:
        assert process.stdin is not None
        assert process.stdout is not None
        if not await _in_time(process.stdout.readline(), _START):
            return False
        job = {"code": self.code, "inputs": [text.encode() for text in self.inputs], "limits": asdict(self.limits)}
        job["files"] = {
            name: content.encode() if isinstance(content, str) else content for name, content in self.files.items()
        }
        with suppress(ConnectionError):
            process.stdin.write(marshal.dumps(job))
            await process.stdin.drain()
            process.stdin.close()
        return True

    async def _serve(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        for _ in self.inputs:
            self.begun = time.monotonic()
            run = await _in_time(_read(process.stdout), self.limits.seconds + _GRACE)
            if run is None:
                return
            self.done.append(replace(run, outcome=Outcome.MEMORY) if self.over else run)

    async def _watch(self, pid: int) -> None:
        """End the sandbox when all its processes together hold more memory than one run may."""
        while True:
            await asyncio.sleep(_WATCH)
            members = family(pid)
            if resident(members) > self.limits.memory_mb * _MB + _OWN * len(members):
                self.over = True
                kill(pid)
                return

    def _ended(self, said: str) -> Run:
        """Describe the run during which the sandbox ended."""
        seconds = time.monotonic() - self.begun if self.begun else 0.0
        if self.over:
            outcome = Outcome.MEMORY
        else:
            outcome = Outcome.TIMEOUT if seconds >= self.limits.seconds else Outcome.ERROR
        return Run("", said or "the program ended its sandbox", None, outcome, seconds)


async def _tail(stream: asyncio.StreamReader | None) -> str:
    """Read what bwrap or the supervisor complain of; keep the beginning."""
    kept = b""
    while stream is not None and (chunk := await stream.read(65_536)):
        kept += chunk[: max(4096 - len(kept), 0)]
    return kept.decode(errors="replace")


async def _in_time(work: Awaitable[T], seconds: float) -> T | None:
    """Await within so many seconds; None if the sandbox is silent or ends."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except (TimeoutError, ValueError, EOFError):
        return None


async def _read(stream: asyncio.StreamReader) -> Run:
    """Read what the supervisor writes of one run."""
    outcome, code, seconds, out, err = (await stream.readline()).split()
    stdout, stderr = [(await stream.readexactly(int(size))).decode(errors="replace") for size in (out, err)]
    how = Outcome(outcome.decode())
    return Run(stdout, stderr, int(code) if how in (Outcome.OK, Outcome.ERROR) else None, how, float(seconds))


LEVEL = Bubblewrap()
