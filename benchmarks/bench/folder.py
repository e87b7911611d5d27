"""The folder of a run: manifest, outcomes and lock.

manifest.json     settings (fixed for the run), models, versions, machine, and the calls that worked on it
outcomes.jsonl    one row per problem and plan, appended as they finish (:mod:`tts.records.outcomes`)
lock              held while a process writes; it names the process
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.recordings.manifest import MANIFEST, read_manifest
from tts.errors import BadInput
from tts.files.json_text import dump, parse
from tts.files.jsonl import Rows, lines
from tts.files.lock import Lock
from tts.files.text import reason, write_atomically
from tts.records.outcomes import OUTCOMES

LOCK = "lock"

MORE = ("strategies", "budget", "parameters")
"""Settings that may grow from call to call: no search of an earlier call may be missing."""

Row = Mapping[str, Any]


class RunFolder:
    """A run folder, open for writing. Close it, or use it in a ``with``.

    Args:
        path: the folder; created if missing.
        settings: identity of the run. A folder with other settings is refused, unless they only add searches
            (:data:`MORE`), or further problems of the same data after the first ones.
        facts: further facts about this call for the manifest: versions, machine, command.
        take: called with every existing row.
        retry: delete failed rows, so that they are missing again.

    Attributes:
        done: job and problem id of every row.
        failed: number of rows with an error.

    Raises:
        BadInput: another process writes here, or the folder holds other files, or a run with other settings.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        facts: Mapping[str, Any],
        take: Callable[[Row], None] = lambda row: None,
        retry: bool = False,
    ) -> None:
        self.path, self._take = path, take
        self.done: set[tuple[str, str]] = set()
        self.failed = 0
        _refuse_other_files(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise BadInput(f"the folder {path} cannot be made: {reason(error)}.") from error
        self._lock = Lock(path / LOCK, path, "name another folder")
        try:
            for draft in path.glob(".*.partial"):  # of a call that was killed
                draft.unlink(missing_ok=True)
            self.manifest = self._manifest(settings, facts)
            if retry:
                _without_errors(path / OUTCOMES)
            self._rows = Rows(path / OUTCOMES, self._read, ours=True, lock=False)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, row: Row) -> None:
        """Append a row. It survives the death of this process once this returns."""
        self._rows.add(row)
        self._count(row)

    def note(self, job: str, problems: int, seconds: float) -> None:
        """Record the seconds that this call took for so many problems of a job; later calls estimate from it.

        A failure to write this is ignored: it costs no outcome.
        """
        if problems:
            self.manifest["calls"][-1].setdefault("pace", {})[job] = [problems, round(seconds, 3)]
            with suppress(BadInput):
                self._write()

    def close(self) -> None:
        self._rows.close()
        self._lock.release()

    def _count(self, row: Row) -> None:
        self.done.add((row["job"], row["id"]))
        self.failed += row.get("error") is not None
        self._take(row)

    def _read(self, number: int, row: Any) -> None:
        try:
            self._count(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"line {number} of {self.path / OUTCOMES} is not a valid outcome: restore it or name another folder."
            ) from error

    def _manifest(self, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
        settings = parse(dump(settings))  # as they are read back
        call = {"started": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
        if (self.path / MANIFEST).is_file():
            manifest = read_manifest(self.path)
            rows = self.path / OUTCOMES
            if rows.is_file() and rows.stat().st_size:  # a run without rows may change its settings
                _refuse_others(self.path, manifest["settings"], settings)
            manifest["settings"] = settings
            manifest["calls"].append(call)
        else:
            manifest = {"format": 1, "settings": settings, "calls": [call]}
        self.manifest = manifest
        self._write()
        return manifest

    def _write(self) -> None:
        write_atomically(self.path / MANIFEST, dump(self.manifest, indent=1) + "\n")


def _refuse_other_files(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise BadInput(f"{path} is a file: name a folder for the run with --out.")
    if path.is_dir() and not (path / MANIFEST).exists():
        names = sorted(file.name for file in path.iterdir())
        strangers = [name for name in names if name != LOCK and not name.endswith(".partial")]
        if strangers:
            raise BadInput(f"{path} holds {strangers[0]} and is not a run folder: name another folder with --out.")


def _without_errors(outcomes: Path) -> None:
    """Rewrite a file without the failed rows, atomically."""
    if not outcomes.is_file():
        return
    draft = outcomes.with_suffix(".partial")
    try:
        with draft.open("wb") as new:
            for line in lines(outcomes):
                if not line.whole or not _failed(line.data):
                    new.write(line.data + b"\n" * line.whole)
            new.flush()
            os.fsync(new.fileno())
        os.replace(draft, outcomes)
    except OSError as error:
        raise BadInput(f"{outcomes} cannot be written: {reason(error)}.") from error
    finally:
        draft.unlink(missing_ok=True)


def _failed(line: bytes) -> bool:
    try:
        row = parse(line)
    except BadInput:
        return False  # reading it later reports the error
    return isinstance(row, dict) and row.get("error") is not None


def _refuse_others(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    same = now.get("data sha256") is not None and now["data sha256"] == before.get("data sha256")
    elsewhere = ("data source",) if same else ()  # the same problems from another place
    grown = ("part", "problems") if same and _grown(before.get("part"), now.get("part")) else ()
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if name in (*elsewhere, *grown):
            continue
        if old != new and not (name in MORE and _within(old, new)):
            raise BadInput(f"{path} was made with {_other(name, old, new)}, or name another folder with --out.")


def _grown(old: object, new: object) -> bool:
    """Return whether the first problems of a part are among those of another part of the same levels and ids."""
    if not (isinstance(old, dict) and isinstance(new, dict) and "first" in old):
        return False
    alike = {**old, "first": 0} == {**new, "first": 0}
    return alike and ("first" not in new or new["first"] >= old["first"])


def _within(old: object, new: object) -> bool:
    """Return whether a list or mapping is contained in another."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(new.get(key) == value for key, value in old.items())
    return isinstance(old, list) and isinstance(new, list) and all(value in new for value in old)


def _other(name: str, old: object, new: object) -> str:
    """Describe how a setting differs, and what to do about it."""
    if name in ("policy sha256", "prm sha256"):
        which = "policy" if name.startswith("policy") else "reward model"
        what = "other files" if which == "policy" else "other files or another description"
        return f"a {which} of {what} ({_short(old)}, not {_short(new)}): use that {which}"
    if name == "parameters" and isinstance(old, dict) and isinstance(new, dict):
        lost = next((job for job in old if job not in new), None)
        if lost is not None:
            return f"{lost}, which this command leaves out (samples are drawn at the largest N): use the same settings"
    return f"{name} = {_short(old)}, not {_short(new)}: use the same settings"


def _short(value: object) -> str:
    text = dump(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else f"{text[:57]}..."
