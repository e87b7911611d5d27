"""The program that runs inside the sandbox: one process for each input, ended by its limits.

It is started with its own text as ``python -c``, so it needs nothing but the standard library, and of that only what
imports fast: it must start in milliseconds. It reads a marshalled job from standard input, runs the program once for
each input, and writes a header line and two streams a run. A run's process holds neither of the two ends, so it cannot
write a result.
"""

from __future__ import annotations

import gc
import marshal
import os
import resource
import select
import sys
import time
from typing import Any, NoReturn

FOLDER = "/tmp"
NAME = "program.py"
_KILL, _CPU = 9, 24  # SIGKILL and SIGXCPU of Linux: the module signal takes longer to import than a program to run
_MB = 1 << 20
_CHUNK = 65_536
_FILES = 64  # open files


def main(user: int) -> None:
    """Serve one job. With ``user``, give up root for that user first."""
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    os.chdir(FOLDER)
    _send(b"ready\n")
    job = marshal.loads(sys.stdin.buffer.read())
    limits = job["limits"]
    _limit(resource.RLIMIT_NPROC, limits["processes"] + 2)  # this process, and the first of the namespace
    gc.freeze()
    for index, text in enumerate(job["inputs"]):
        if index:
            _clear(FOLDER)
        for name, content in job["files"].items():
            _write(name, content)
        _send(*_one(job["code"], text, limits))


def _send(*parts: bytes) -> None:
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _write(name: str, content: bytes) -> None:
    path = os.path.join(FOLDER, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def _one(code: str, text: bytes, limits: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Run the program in a process of its own, and end everything that it started. Return header and streams."""
    out, err = os.pipe(), os.pipe()
    begun = time.monotonic()
    child = os.fork()
    if not child:
        _become(code, text, limits, out[1], err[1])
    os.close(out[1])
    os.close(err[1])
    ended = _Child(child, {out[0]: bytearray(), err[0]: bytearray()}, limits["output_bytes"])
    outcome = ended.follow(begun + limits["seconds"])
    seconds = time.monotonic() - begun
    ended.end()
    stdout, stderr = (bytes(ended.kept[end[0]]) for end in (out, err))
    outcome = outcome or _why(ended.code, stderr)
    header = f"{outcome} {ended.code} {seconds:.6f} {len(stdout)} {len(stderr)}\n"
    return header.encode(), stdout, stderr


def _why(code: int, stderr: bytes) -> str:
    """Name the outcome of a process that ended by itself, or by the kernel's hand."""
    if code == 0:
        return "ok"
    if code == -_CPU:
        return "timeout"
    last = stderr.rstrip().rpartition(b"\n")[2]
    return "memory" if code == -_KILL or last.startswith(b"MemoryError") else "error"


class _Child:
    """A running process, and what it wrote so far, by pipe."""

    def __init__(self, pid: int, kept: dict[int, bytearray], most: int) -> None:
        self.pid, self.kept, self.most = pid, kept, most
        self.code = 0
        self._handle = os.pidfd_open(pid)
        self._poll = select.poll()
        for end in (self._handle, *kept):
            self._poll.register(end, select.POLLIN)
        for end in kept:
            os.set_blocking(end, False)

    def follow(self, until: float) -> str | None:
        """Read until the process ends. Return the limit that was passed, if one was."""
        while (left := until - time.monotonic()) > 0:
            for end, _ in self._poll.poll(min(left, 0.1) * 1000 + 1):
                if end == self._handle:
                    return "output" if self._drain() else None
                if self._read(end):
                    return "output"
            if _crowded():
                return "memory"
        return "timeout"

    def end(self) -> None:
        """Kill every process but this one, and collect the exit code."""
        while True:
            try:
                os.kill(-1, _KILL)
            except ProcessLookupError:
                pass
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            if pid == self.pid:
                self.code = os.waitstatus_to_exitcode(status)
        self._drain()
        for end in (self._handle, *self.kept):
            os.close(end)

    def _drain(self) -> bool:
        over = [self._read(end) for end in self.kept]  # all of them
        return any(over)

    def _read(self, end: int) -> bool:
        """Read what a pipe holds; return whether the process wrote more than allowed."""
        while True:
            try:
                chunk = os.read(end, _CHUNK)
            except BlockingIOError:
                return False
            if not chunk:
                try:
                    self._poll.unregister(end)
                except KeyError:
                    pass
                return False
            room = self.most - len(self.kept[end])
            self.kept[end] += chunk[:room]
            if len(chunk) > room:
                return True


def _crowded() -> bool:
    """Return whether the working folder holds so many files that their entries fill memory."""
    folder = os.statvfs(FOLDER)
    return folder.f_files - folder.f_ffree > 20_000


def _clear(folder: str) -> None:
    """Remove what a run left. A run may have taken rights from its own folders."""
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                _clear(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


# ------------------------------------------------------------------------------------------- in the process of a run


def _become(code: str, text: bytes, limits: dict[str, Any], out: int, err: int) -> NoReturn:
    """Turn this new process into the program: its streams, its limits, its ``__main__``."""
    status = 1
    try:
        os.dup2(_input(text), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, _FILES)
        _restrict(limits)
        status = _execute(code)
    except BaseException as error:
        os.write(2, f"the sandbox could not start the program: {error!r}\n".encode())
    finally:
        os._exit(status)


def _input(text: bytes) -> int:
    """Return a file that holds standard input and has no name."""
    file = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR, 0o600)
    written = 0
    while written < len(text):
        written += os.write(file, text[written:])
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _restrict(limits: dict[str, Any]) -> None:
    _limit(resource.RLIMIT_AS, limits["memory_mb"] * _MB)
    _limit(resource.RLIMIT_CPU, int(limits["seconds"] * (os.cpu_count() or 1)) + 1, grace=1)
    _limit(resource.RLIMIT_FSIZE, limits["files_mb"] * _MB)
    _limit(resource.RLIMIT_NOFILE, _FILES)
    for none in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_RTPRIO):
        _limit(none, 0)


def _limit(what: int, most: int, grace: int = 0) -> None:
    _, hard = resource.getrlimit(what)
    soft, most = (value if hard == resource.RLIM_INFINITY else min(value, hard) for value in (most, most + grace))
    resource.setrlimit(what, (soft, most))


def _execute(code: str) -> int:
    """Run the program as ``__main__``; return its exit code. A failure prints the program's part of the traceback."""
    import builtins

    module = type(sys)("__main__")
    module.__dict__["__builtins__"] = builtins
    for name in ("exit", "quit"):  # the interpreter starts without the module that adds them
        setattr(builtins, name, sys.exit)
    sys.modules["__main__"] = module
    sys.argv = [NAME]
    sys.path.insert(0, FOLDER)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    status = 0
    try:
        exec(compile(code, NAME, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as done:
        status = _status(done.code)
    except MemoryError:
        status = 1
        os.write(2, b"MemoryError\n")
    except BaseException as error:
        status = 1
        _explain(error, code)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 1
    return status


def _explain(error: BaseException, code: str) -> None:
    """Print the traceback, with the program's lines, without ours."""
    import linecache
    import traceback

    linecache.cache[NAME] = (len(code), None, code.splitlines(keepends=True), NAME)
    traceback.print_exception(type(error), error, error.__traceback__.tb_next if error.__traceback__ else None)


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    main(int(sys.argv[1]))
