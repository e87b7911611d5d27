"""``tts pool fit --models``: runs the models, resumes, and fits a pool of every strategy at every width."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import MIA, Tts
from tts import Pool

pytest.importorskip("sklearn", reason="fitting a pool needs scikit-learn")


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    file = tmp_path / "train.jsonl"
    rows = [
        {"problem": MIA, "answer": "117"},
        {"problem": "Tom has 12 eggs. He buys 8 more. How many eggs does he have?", "answer": "20"},
        {"problem": "Ana has 5 cards. She loses 2. How many are left?", "answer": "3"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_models_run_once_and_every_width_is_an_arm(tts: Tts, problems: Path, tmp_path: Path) -> None:
    out = tmp_path / "pool.json"
    typed = ("pool", "fit", "--models", "lab-200k,lab-1m@majority/2", "--data", str(problems), "-n", "1,2",
             "--out", str(out), "--price", "lab-1m@majority/2=1,2", "--solution-tokens", "120")  # fmt: skip
    done = tts(*typed)
    assert done.code == 0
    assert done.out == f"{out}: 3 arms of 2 models, fitted on 3 problems.\n"
    pool = Pool.load(out)
    assert pool.names == ("lab-200k@majority/1", "lab-200k@majority/2", "lab-1m@majority/2")
    assert next((arm.policy, arm.strategy, arm.n) for arm in pool.arms) == ("lab-200k", "majority", 1)
    assert pool.arm("lab-1m@majority/2").prices is not None
    # One sample costs more than half of two: both read the prompt once.
    one, two = pool.router.state["cost"][0, :2]
    assert 0.5 * two < one < two
    assert pool.unit == "FLOPs"
    assert "Costs in   FLOPs" in tts("pool", "show", str(out)).out
    asked = ("plan", "--pool", str(out), "--max-cost", "0.01", "-n", "2")
    assert "beyond the budget" not in tts(*asked, MIA).out, "dollars are no limit of FLOPs"
    assert "  FLOPs  " in tts(*asked, MIA).out
    outcomes = tmp_path / "pool.runs" / "lab-200k" / "outcomes.jsonl"
    assert len(outcomes.read_text().splitlines()) == 3
    before = outcomes.read_bytes()
    assert "3 of 3 rows are already in" in tts(*typed).err
    assert outcomes.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "either --outcomes"),
        (("--outcomes", "run", "--ray", "auto"), "--ray goes with --models"),
        (("--models", "lab-200k,lab-1m"), "--data train.jsonl"),
        (("--models", "lab-200k", "--data", "x.jsonl"), "at least two"),
        (("--models", "lab-200k,lab-200k", "--data", "lab-500"), "different"),
        (("--models", "lab-200k,lab-3m", "--data", "lab-500"), "did you mean"),
        (("--models", "lab-200k,lab-1m@majorty/2", "--data", "lab-500"), "did you mean 'majority'"),
        (("--models", "lab-200k,lab-1m", "--data", "lab-50"), "did you mean 'lab-500'"),
        (("--models", "lab-200k,lab-1m", "--data", "lab-500", "--strategy", "majorty"), "did you mean 'majority'"),
        (("--models", "lab-200k,lab-1m", "--data", "lab-500", "--strategy", "dvts:granularity=2"), "by options"),
        (("--outcomes", "x.jsonl", "--limit", "3"), "go with --models"),
    ],
)
def test_what_is_mistyped_is_one_sentence_before_anything_runs(
    tts: Tts, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = tts("pool", "fit", "--out", str(tmp_path / "pool.json"), *arguments)
    assert done.code == 2
    assert words in done.sentence
    assert not (tmp_path / "pool.runs").exists()
