"""Readers of recorded outcomes in five formats: our own, RouterDC, RouterBench, LLMRouter and LLMRouterBench.

RouterDC (arXiv 2409.19886)      JSON list of {question, scores: {model: score}}
RouterBench (arXiv 2403.12031)   CSV: sample_id, prompt, eval_name, a column a model, MODEL|total_cost
LLMRouter                        JSON Lines {task_name, query, model_name, performance, response_time, token_num ...}
LLMRouterBench (arXiv 2601.07206) JSON {model_name, records: [{origin_query, score, cost ...}]}, or rows as JSON Lines
ours                             outcomes.jsonl of ``tts bench``, or its run folder
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tts.errors import BadInput
from tts.files.json_text import parse
from tts.files.jsonl import rows
from tts.files.text import decoded, read_bytes, reason
from tts.records.outcomes import file_of, outcome_of
from tts.routing.arms import DOLLARS, FLOPS, Arm
from tts.routing.outcomes import ArmOutcomes, Entry

Row = Mapping[str, Any]
_TENTH = 1e-6  # a mean of ten samples is a multiple of a tenth


def read_outcomes(path: Path, group: str = "") -> ArmOutcomes:
    """Read recorded outcomes in any of the formats; ``.gz`` is decompressed.

    Args:
        path: a file that ends in ``.json``, ``.jsonl`` or ``.csv``, or a run folder of ``tts bench``.
        group: the data set's name, where the file does not say; by default the file's name.

    Raises:
        BadInput: the file cannot be read, or is in none of the formats.
    """
    file = file_of(path)
    name = file.name.removesuffix(".gz")
    group = group or name.rpartition(".")[0]
    try:
        if name.endswith(".csv"):
            entries = list(_routerbench(_text(file)))
        elif name.endswith(".jsonl"):
            entries = list(_entries([row for _, row in rows(file)], group))
        else:
            found = parse(_text(file), str(file))
            entries = list(_entries(found if isinstance(found, list) else [found], group))
        gathered = ArmOutcomes.gathered(entries) if entries else None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(
            f"{file} holds no outcomes in a known format ({type(error).__name__}: {error}): see docs/ROUTING.md."
        ) from error
    if gathered is None:
        raise BadInput(f"{file} holds no outcome: run the models on some problems first.")
    return gathered


def _text(file: Path) -> str:
    content = read_bytes(file)
    try:
        return decoded(gzip.decompress(content) if file.name.endswith(".gz") else content, str(file))
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{file} cannot be unpacked: {reason(error)}.") from error


# -- JSON and JSON Lines ---------------------------------------------------------------------------------------------


def _entries(found: list[dict[str, Any]], group: str) -> Iterator[Entry]:
    if not found:
        return
    first = found[0]
    if "scores" in first and "question" in first:
        yield from _routerdc(found, group)
    elif "records" in first:
        for row in found:
            inherited = {"model_name": row["model_name"], "dataset_name": row.get("dataset_name", group)}
            yield from (_llmrouterbench(inherited | record) for record in row["records"])
    else:
        reader = _reader(first)
        yield from (reader(row) for row in found)


def _reader(row: Row) -> Callable[[Row], Entry]:
    if "plan" in row:
        return _ours
    return _llmrouter if "performance" in row else _llmrouterbench


def _ours(row: Row) -> Entry:
    outcome = outcome_of(row)
    cost, seconds = float(outcome.usage.flops), outcome.usage.seconds
    return Entry(
        outcome.problem, Arm.planned(outcome.plan).name, float(outcome.correct), cost, seconds, outcome.dataset,
        unit=FLOPS,
    )  # fmt: skip


def _routerdc(found: list[dict[str, Any]], group: str) -> Iterator[Entry]:
    """Parse RouterDC: scores are means of ten samples; for multiple choice the probability of a right choice, or 0.

    The paper's metric of multiple choice is whether the score is above 0.
    """
    scores = [float(score) for row in found for score in row["scores"].values()]
    choice = any(abs(10 * score - round(10 * score)) > _TENTH for score in scores)
    for number, row in enumerate(found):
        for arm, score in row["scores"].items():
            quality = float(score > 0) if choice else float(score)
            yield Entry(row["question"], arm, quality, group=group, query=str(number))


def _llmrouter(row: Row) -> Entry:
    return Entry(
        row["query"], row["model_name"], float(row["performance"]), _number(row, "cost"), _number(row, "response_time"),
        str(row.get("task_name", "")), unit=DOLLARS,
    )  # fmt: skip


def _llmrouterbench(row: Row) -> Entry:
    arm = row.get("model_name") or row["model"]
    group = str(row.get("dataset_name") or row.get("dataset") or "")
    return Entry(row["origin_query"], arm, float(row["score"]), _number(row, "cost"), group=group, unit=DOLLARS)


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return float("nan") if value is None or value == "" else float(value)


# -- CSV -------------------------------------------------------------------------------------------------------------


def _routerbench(text: str) -> Iterator[Entry]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or []
    models = [name.removesuffix("|total_cost") for name in columns if name.endswith("|total_cost")]
    if not models:
        raise ValueError("no column ends in |total_cost")
    for row in reader:
        for model in sorted(models):
            quality, cost = _number(row, model), _number(row, f"{model}|total_cost")
            prompt, group = _prompt(row["prompt"]), row["eval_name"]
            yield Entry(prompt, model, quality, cost, group=group, query=row["sample_id"], unit=DOLLARS)


def _prompt(cell: str) -> str:
    """Parse a prompt of RouterBench, which is a Python list of turns."""
    try:
        turns = ast.literal_eval(cell)
    except (ValueError, SyntaxError):
        return cell
    return "\n\n".join(map(str, turns)) if isinstance(turns, list) else cell
