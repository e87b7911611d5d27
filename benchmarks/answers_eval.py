"""Accuracy of the answer grader compared with plain math-verify: ``python -m benchmarks.answers_eval FILE...``

Each file is JSON Lines. A row has ``gold``, ``pred`` and ``expected``, optionally ``source`` and ``kind``:

    answer    both are bare answers (the default)
    response  ``pred`` is a whole solution; its answer is its last box
    text      both are free text; the answer is what ``--extract auto`` finds, else the text

A row of recorded verdicts has ``labels`` (of other graders), ``math_verify`` and ``agree`` in place of ``expected``.
If the graders disagree, the truth is unknown and the row is only shown.

Recorded solutions, a row a problem with its ``answer`` and ``samples`` or ``completions``, show what each rule of
``--extract`` finds: right answers of single solutions, and solutions in which it finds none.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from tts.answers.equivalence import grade
from tts.answers.extract import conclusion, extract, last_number
from tts.answers.finding import auto
from tts.commands.console import note, say, table
from tts.errors import BadInput, MissingExtra, TTSError

SECONDS = 30.0
"""Time limit of plain math-verify for one comparison, in seconds; its own limits do not always hold."""


@dataclass(frozen=True, slots=True)
class Case:
    """A gold answer, a prediction, the expected verdict (None if disputed), source and kind."""

    gold: str
    pred: str
    expected: bool | None
    source: str = ""
    kind: str = "answer"


def cases(path: Path) -> list[Case]:
    """Read the cases of a file. Raises BadInput if it cannot be read or a row is not a case."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
        return [_case(json.loads(line)) for line in lines if line.strip()]
    except OSError as error:
        raise BadInput(f"the file {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} has a row that is not a case ({type(error).__name__}: {error}).") from error


def _case(row: Mapping[str, Any]) -> Case:
    if "expected" in row:
        source = row.get("source", "").partition(":")[0]
        return Case(row["gold"], row["pred"], bool(row["expected"]), source, row.get("kind", "answer"))
    labels = set(row["labels"].values())
    known = row["agree"] and len(labels) == 1
    return Case(row["gold"], row["pred"], labels.pop() if known else None, "recorded answers of models")


def ours(case: Case) -> bool:
    """Return our verdict. Raises BadInput for an unknown kind."""
    if case.kind not in _READ:
        raise BadInput(f"a case is of the kind {', '.join(_READ)}, not {case.kind!r}.")
    gold = _text_answer(case.gold) if case.kind == "text" else case.gold
    answer = _READ[case.kind](case.pred)
    return answer is not None and gold is not None and grade(gold, answer)


def _text_answer(text: str) -> str | None:
    found = auto(text)
    return found.answer if found else text.strip() or None


_READ: dict[str, Callable[[str], str | None]] = {"answer": str.strip, "response": extract, "text": _text_answer}


class Plain:
    """Plain math-verify as its authors advise, in a child process that is killed when it hangs."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def grade(self, case: Case) -> bool:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PLAIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        gold = case.gold if case.kind == "text" else f"${case.gold.strip('$')}$"
        answer = f"${case.pred}$" if case.kind == "answer" else case.pred
        timer = threading.Timer(self._seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps([gold, answer]) + "\n")
            process.stdin.flush()
            reply = process.stdout.readline().strip()
        except OSError:
            reply = ""
        finally:
            timer.cancel()
        if reply not in ("0", "1"):
            self.close()
        return reply == "1"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


_PLAIN = """
import json, logging, os, sys
logging.disable(logging.CRITICAL)
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from math_verify import parse, verify
for line in sys.stdin:
    gold, answer = json.loads(line)
    try:
        verdict = bool(verify(parse(gold), parse(answer)))
    except Exception:
        verdict = False
    print(int(verdict), file=out, flush=True)
"""


def measure(found: list[Case]) -> Iterator[tuple[Case, bool, bool]]:
    """Yield each case with our verdict and plain math-verify's. Raises MissingExtra where that is not installed."""
    if importlib.util.find_spec("math_verify") is None:
        raise MissingExtra("math-verify is not installed: pip install math-verify.")
    plain = Plain()
    try:
        for case in found:
            yield case, ours(case), plain.grade(case)
    finally:
        plain.close()


def rows_of(verdicts: list[tuple[Case, bool, bool]]) -> list[dict[str, Any]]:
    """Count per source and in total: cases, wrong answers accepted, right answers rejected, by each grader."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case, mine, plain in verdicts:
        for source in (case.source, "all"):
            count = counts[source]
            count["disputed"] += case.expected is None
            count["cases"] += case.expected is not None
            for whose, verdict in (("ours", mine), ("plain", plain)):
                count[f"{whose} accepts wrong"] += case.expected is False and verdict
                count[f"{whose} rejects right"] += case.expected is True and not verdict
    names = [
        "cases",
        *(f"{whose} {what}" for what in ("accepts wrong", "rejects right") for whose in ("ours", "plain")),
    ]
    order = [name for name in counts if name != "all"] + ["all"]
    return [{"source": name, **{key: counts[name][key] for key in [*names, "disputed"]}} for name in order]


RULES: dict[str, Callable[[str], str | None]] = {
    "boxed": extract,
    "last-number": last_number,
    "auto": lambda text: found.answer if (found := auto(text)) else None,
}


def solutions(path: Path) -> list[tuple[str, str]] | None:
    """Return pairs of a gold answer and a recorded solution; None if the file holds none."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    found = []
    for line in filter(None, data.decode("utf-8-sig").split("\n")):
        row = json.loads(line)
        texts = row.get("samples") or row.get("completions") or row.get("code")
        if texts is None:
            return None
        found += [(str(row["answer"]), text if isinstance(text, str) else text["text"]) for text in texts]
    return found


def found_by_rule(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Count for each rule the right, wrong and missing answers of recorded solutions, in percent."""
    rows = []
    known: dict[tuple[str, str], bool] = {}
    for rule, find in RULES.items():
        right = none = 0
        for gold, text in pairs:
            answer = find(conclusion(text))
            none += answer is None
            if answer is not None and (gold, answer) not in known:
                known[gold, answer] = grade(gold, answer)
            right += answer is not None and known[gold, answer]
        share = 100 / len(pairs)
        rows.append(
            {"rule": rule, "solutions": len(pairs), "right %": f"{right * share:.1f}", "none %": f"{none * share:.1f}"}
        )
    return rows


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    files: list[Path],
    show: bool = typer.Option(False, "--show", help="Print each case whose verdict is not the expected one."),
) -> None:
    """Grade the cases of files with our grader and with plain math-verify."""
    for file in files:
        if pairs := solutions(file):
            say(f"{file.name}\n\n{table(found_by_rule(pairs))}\n")
            continue
        verdicts = list(measure(cases(file)))
        say(f"{file.name}\n\n{table(rows_of(verdicts))}\n")
        for case, mine, plain in verdicts if show else ():
            if mine != case.expected:
                expected = "disputed" if case.expected is None else f"expected {case.expected}"
                say(f"{expected}, ours {mine}, plain {plain}: {case.gold[-100:]!r} | {case.pred[-100:]!r}")


if __name__ == "__main__":
    try:
        app(standalone_mode=False)
    except TTSError as failure:
        note(f"grader: {failure}")
        sys.exit(2)
