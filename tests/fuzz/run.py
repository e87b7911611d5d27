"""Runs rounds of edits: each on a fresh copy of a valid file, watched for tracebacks, time and memory."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tests.fuzz.edits import edited
from tests.fuzz.formats import FORMATS, Format
from tts.errors import TTSError

SECONDS = 20.0
"""Processor time after which a round counts as hung."""

GROWTH = 600 * 2**20
"""Bytes that the process may grow by in all rounds together."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A round that went wrong: the format, the seed that gives it again, and what happened."""

    format: str
    seed: int
    what: str


class Hung(BaseException):
    """A round took too long."""


def rounds(count: int, seed: int = 0, only: Sequence[str] = ()) -> Iterator[Finding | None]:
    """Run ``count`` rounds, the formats in turn; yield None for each that went well."""
    formats = [each for each in FORMATS if not only or each.name in only]
    before = _memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        originals = {each.name: _made(each, folder / "originals" / each.name) for each in formats}
        for k in range(count):
            each = formats[k % len(formats)]
            number = seed * 1_000_000 + k
            yield _round(each, originals[each.name], folder / "round", number)
            if _memory() - before > GROWTH:
                yield Finding(each.name, number, f"the process has grown by {(_memory() - before) >> 20} MiB")
                before = _memory()


def _made(each: Format, folder: Path) -> Path:
    """Make the valid file, and be sure that it is one."""
    folder.mkdir(parents=True)
    path = each.make(folder)
    data = path.read_bytes()
    each.use(path)
    path.write_bytes(data)
    return path


def _round(each: Format, original: Path, folder: Path, seed: int) -> Finding | None:
    draw = random.Random(f"{each.name} {seed}")
    home = _home(each, original)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(home, folder)
    path = folder / original.relative_to(home)
    path.write_bytes(edited(path.read_bytes(), draw))
    begun = time.process_time()
    signal.signal(signal.SIGVTALRM, _hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        each.use(path)
    except TTSError as error:
        text = str(error)
        if not text.endswith((".", "?", ")")) or "Traceback" in text:
            return Finding(each.name, seed, f"no sentence: {text[:500]!r}")
    except Hung:
        return Finding(each.name, seed, f"still running after {time.process_time() - begun:.0f} s")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return Finding(each.name, seed, traceback.format_exc(limit=-6))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def _home(each: Format, original: Path) -> Path:
    """The folder that the format's maker filled."""
    return next(parent for parent in original.parents if parent.name == each.name)


def _hung(number: int, frame: FrameType | None) -> None:
    raise Hung


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
