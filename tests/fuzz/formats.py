"""The formats: how a valid file of each is made, and what the product does with one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bench import estimate
from benchmarks.bench.folder import RunFolder
from benchmarks.datasets import dataset
from benchmarks.prm_eval import data as labelled
from benchmarks.prm_eval.scoring import ScoreFile
from benchmarks.prm_eval.sources import load as load_labelled
from benchmarks.recordings import gather, reading
from benchmarks.recordings.manifest import read_manifest
from benchmarks.recordings.mixup import warning
from benchmarks.report.html.cases import Traces
from benchmarks.report.html.view import page_of
from benchmarks.report.runs import load as load_runs
from tests.report.run import make
from tests.selection.profiles import ladder, toy_profile
from tests.toy import ToyPolicy, ToyReward
from tts import Solver, Trace
from tts.batch import Batch, read_problems
from tts.budget import Budget
from tts.engines.memory import need
from tts.models import descriptions, files
from tts.models.find import find
from tts.models.lookup import lookup
from tts.records import outcomes
from tts.routing.formats import read_outcomes
from tts.selection.profile_file import load as load_profile
from tts.selection.profile_file import save as save_profile
from tts.types import Problem

PROBLEM = Problem("how far is it from here to there")
MODEL = {"prm": "toy"}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        name: of the kind.
        make: writes a valid file into a folder and returns its path.
        use: does with it what the product does; it may raise TTSError.
    """

    name: str
    make: Callable[[Path], Path]
    use: Callable[[Path], None]


def written(name: str, *rows: Any, array: bool = False) -> Callable[[Path], Path]:
    """Return a maker of a file of JSON Lines, or of one JSON value."""

    def write(folder: Path) -> Path:
        text = json.dumps(list(rows)) if array else "".join(json.dumps(row) + "\n" for row in rows)
        (folder / name).write_text(text)
        return folder / name

    return write


def solver(**settings: Any) -> Solver:
    return Solver(ToyPolicy(), ToyReward(), settings.pop("strategy", "beam-search"), Budget(4), **settings)


# -- traces, profiles and descriptions ---------------------------------------------------------------------------------


def make_trace(folder: Path) -> Path:
    asyncio.run(solver().solve(PROBLEM)).trace.save(folder / "trace.jsonl")
    return folder / "trace.jsonl"


def use_trace(path: Path) -> None:
    trace = Trace.load(path)
    page_of(trace)
    trace.save(path.with_suffix(".copy"))
    start = next(trace.of("start"), {"problem": {"text": PROBLEM.text, "id": ""}})["problem"]
    asyncio.run(Solver.replay(str(path)).solve(Problem(start["text"], start["id"])))


def make_profile(folder: Path) -> Path:
    save_profile(toy_profile(), folder / "profile.json")
    return folder / "profile.json"


def make_ladder(folder: Path) -> Path:
    save_profile(ladder("toy", "toy-prm"), folder / "profile.json")
    return folder / "profile.json"


def use_profile(path: Path) -> None:
    save_profile(load_profile(path), path.with_suffix(".copy"))
    asyncio.run(solver(strategy="auto", profile=path).solve(PROBLEM))
    asyncio.run(solver(strategy="auto", profile=path, total_flops=1e7).solve(PROBLEM))


def use_policy_description(path: Path) -> None:
    find(str(path), "policy").conversation(Problem("How many?"))


def use_description(path: Path) -> None:
    descriptions.family_of(descriptions.read(path))


# -- runs --------------------------------------------------------------------------------------------------------------


def make_run(folder: Path) -> Path:
    make(folder / "run", ("best-of-n", 2), ("dvts", 2), traces=True)
    (folder / "run" / "manifest.json").write_text(
        json.dumps({"format": 1, "settings": {"seed": 0}, "calls": [{"started": "now", "pace": {"dvts/2": [3, 1.5]}}]})
    )
    return folder / "run"


def make_outcomes(folder: Path) -> Path:
    return make_run(folder) / "outcomes.jsonl"


def make_manifest(folder: Path) -> Path:
    return make_run(folder) / "manifest.json"


def use_run(path: Path) -> None:
    folder = path.parent
    read_manifest(folder)
    list(outcomes.read(folder / "outcomes.jsonl"))
    reading.read(folder)
    runs = load_runs([folder])
    for place in list(runs.places)[:3]:
        runs.whole(place)
    Traces([folder])
    estimate._so_far(folder)
    RunFolder(folder, {"seed": 0}, {}, retry=True).close()


def use_pool(path: Path) -> None:
    gather.read([path.parent])


# -- problems and answers ----------------------------------------------------------------------------------------------


def use_problems(path: Path) -> None:
    read_problems(path)


def make_answers(folder: Path) -> Path:
    (folder / "problems.jsonl").write_text('{"problem": "one", "id": "a"}\n{"problem": "two", "id": "test/b.json"}\n')
    with Batch(solver(), folder / "problems.jsonl", folder / "out.jsonl") as batch:
        list(batch.run())
    return folder / "out.jsonl"


def use_answers(path: Path) -> None:
    before = path.read_bytes()
    try:
        with Batch(solver(), path.with_name("problems.jsonl"), path, path.parent / "traces") as batch:
            list(batch.run())
    finally:
        after = path.read_bytes()
        whole = before.rpartition(b"\n")[0]
        assert after.startswith(whole), "a whole line was lost"


# -- data and recordings -----------------------------------------------------------------------------------------------

SOLUTION = {
    "id": "gsm8k-0", "generator": "g", "problem": "How many?", "steps": ["One.", "Two."], "final_answer_correct": False,
    "label": 1,
}  # fmt: skip
QUESTIONS = [
    {"problem": f"What is {k}+1?", "answer": str(k + 1), "level": 2, "id": f"q{k}", "subject": "s"} for k in range(6)
]
COMPLETIONS = [
    {**row, "completions": ["so \\boxed{1}", "so \\boxed{2}"], "scores": [[0.5, 0.25], [0.75]]} for row in QUESTIONS
]
SAMPLES = [
    {**row, "unique_id": row["id"], "samples": [
        {"text": "\\boxed{1}", "answer": "1", "step_scores": [0.5], "correct": True, "cluster": 0},
        {"text": "\\boxed{2}", "answer": "2", "step_scores": [0.25], "correct": False, "cluster": 1},
    ]} for row in QUESTIONS
]  # fmt: skip
QWEN = [{"question": row["problem"], "answer": "1", "code": ["\\boxed{1}"], "pred_score": [0.5]} for row in QUESTIONS]


def use_recordings(path: Path) -> None:
    records = reading.read(path)
    warning(records)


def use_golds(path: Path) -> None:
    reading.read_golds(path)
    dataset.read(path)


def use_labelled(path: Path) -> None:
    labelled.read(path)


def make_scores(folder: Path) -> Path:
    data = load_labelled(str(written("mine.jsonl", SOLUTION)(folder)))
    [case] = data.subsets["mine"]
    file = ScoreFile(folder / "scores.jsonl", MODEL, data)
    file.add("mine", case, (0.5, 0.25))
    file.close()
    return folder / "scores.jsonl"


def use_scores(path: Path) -> None:
    ScoreFile(path, MODEL, load_labelled(str(path.with_name("mine.jsonl")))).close()


def use_routing(path: Path) -> None:
    read_outcomes(path)


# -- model folders -----------------------------------------------------------------------------------------------------


def make_config(folder: Path) -> Path:
    import numpy as np
    from safetensors.numpy import save

    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(save({"weight": np.zeros((4, 4), np.float32)}))
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64, "vocab_size": 60,
        "max_position_embeddings": 512, "torch_dtype": "float32", "tie_word_embeddings": False,
    }  # fmt: skip
    (folder / "model" / "config.json").write_text(json.dumps(config))
    return folder / "model" / "config.json"


def make_weights(folder: Path) -> Path:
    return make_config(folder).with_name("model.safetensors")


def make_index(folder: Path) -> Path:
    index = make_config(folder).with_name("model.safetensors.index.json")
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"weight": "model.safetensors"}}))
    return index


def use_folder(path: Path) -> None:
    card = lookup(str(path.parent))
    need(card, {}, on_gpu=False)
    files.require(card)


ROUTERDC = [{"question": f"q{k}", "scores": {"a": 0.5, "b": 1.0}} for k in range(3)]
LLMROUTER = [
    {"task_name": "t", "query": f"q{k}", "model_name": m, "performance": 0.5, "response_time": 1.0, "token_num": 10}
    for k in range(3) for m in ("a", "b")
]  # fmt: skip

FORMATS = [
    Format("trace", make_trace, use_trace),
    Format("profile", make_profile, use_profile),
    Format("profile with looks", make_ladder, use_profile),
    Format("description", written("prm.json", {"model": "lab-prm", "family": "two-token", "opening": "{problem}",
           "mark": "\n\n", "good": "+", "bad": "-", "context": 512}), use_description),
    Format("description of a policy", written("policy.json", {"model": "lab-1m", "system": "Count.", "suffix": "",
           "separator": "\n", "temperature": 0.5, "max_tokens": 200, "thinking": False}), use_policy_description),
    Format("outcomes", make_outcomes, use_run),
    Format("outcomes for a profile", make_outcomes, use_pool),
    Format("manifest", make_manifest, use_run),
    Format("problems", written("problems.jsonl", *QUESTIONS), use_problems),
    Format("problems as text", lambda folder: _text(folder), use_problems),
    Format("answers", make_answers, use_answers),
    Format("data", written("data.jsonl", *QUESTIONS), use_golds),
    Format("search-and-learn", written("sal.jsonl", *COMPLETIONS), use_recordings),
    Format("samples", written("pool.jsonl", *SAMPLES), use_recordings),
    Format("qwen", written("qwen.jsonl", *QWEN), use_recordings),
    Format("labelled lines", written("mine.jsonl", SOLUTION, SOLUTION), use_labelled),
    Format("labelled array", written("mine.json", SOLUTION, SOLUTION, array=True), use_labelled),
    Format("scores", make_scores, use_scores),
    Format("routerdc", written("outcomes.json", *ROUTERDC, array=True), use_routing),
    Format("llmrouter", written("outcomes.jsonl", *LLMROUTER), use_routing),
    Format("model configuration", make_config, use_folder),
    Format("weights", make_weights, use_folder),
    Format("weights index", make_index, use_folder),
]  # fmt: skip


def _text(folder: Path) -> Path:
    (folder / "problems.txt").write_text("What is 1+1?\nWhat is 2+2?\n\nπ?\n")
    return folder / "problems.txt"
