"""Labelled solutions from files, from ProcessBench and built in: what is read, and what is refused."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lab import judged
from benchmarks.prm_eval.data import parse, read
from benchmarks.prm_eval.sources import PROCESSBENCH, load
from benchmarks.word_problems import labelled
from benchmarks.word_problems.generate import load as lab_problems
from tests.markdown import ROOT
from tts.errors import BadInput, UnknownName

ROW: dict[str, Any] = {"problem": "1 + 1?", "steps": ["1 + 1 = 2", "So 3."], "label": 1}


def lines(*rows: Any) -> bytes:
    return b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)


def test_a_row_of_processbench_is_read(tmp_path: Path) -> None:
    extra = {"id": "gsm8k-7", "generator": "Qwen2-7B-Instruct", "final_answer_correct": True}
    (tmp_path / "mine.jsonl").write_bytes(lines(ROW | extra, ROW | {"label": -1}))
    rows = read(tmp_path / "mine.jsonl")
    first, second = rows.cases
    assert (first.id, first.first_error, first.labels, first.right) == ("gsm8k-7", 1, (True, False), True)
    assert (second.id, second.first_error, second.labels, second.right) == ("mine-1", -1, (True, True), True)
    assert (rows.bad, rows.ignored) == ([], [])


def test_what_follows_the_first_error_has_no_label() -> None:
    assert parse(ROW | {"label": 0}).labels == (False, None)


@pytest.mark.parametrize("labels", [[True, False], [1, 0]])
def test_labels_of_every_step_are_read(labels: list[Any]) -> None:
    row = {"problem": "?", "steps": ["a", "b"], "labels": labels}
    assert parse(row).labels == (True, False)
    assert parse(row).first_error == 1
    assert not parse(row).right


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz", "a.jsonl.gz"])
def test_arrays_and_lines_packed_or_not_are_read(name: str, tmp_path: Path) -> None:
    content = lines([ROW, ROW]) if ".jsonl" not in name else b"\xef\xbb\xbf" + lines(ROW, b"\r\n", ROW)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert len(read(tmp_path / name).cases) == 2


BAD = [
    (b"{oops}\n", "it is not JSON"),
    (b"\xff\xfe\n", "it is not UTF-8 text"),
    ([1], "it is not a JSON object"),
    ({"question": "?", "answer": "2"}, "it has no `problem` and no `steps` and no `label`, only answer, question."),
    ({"problem": "?", "steps": ["a"]}, "it has no `label`, only problem, steps."),
    (ROW | {"problem": " "}, "its `problem` is not a text"),
    (ROW | {"problem": "\ud83d"}, "its `problem` is not a text"),
    (ROW | {"steps": "one"}, "its `steps` are not a list"),
    (ROW | {"steps": []}, "its `steps` are not a list"),
    (ROW | {"steps": ["a", ""]}, "its step 1 (counted from 0) is not a text"),
    (ROW | {"label": 2}, "a step's number, 0 to 1, or -1, not 2"),
    (ROW | {"label": "1"}, "a step's number, 0 to 1, or -1, not '1'"),
    (ROW | {"label": True}, "a step's number, 0 to 1, or -1, not True"),
    (ROW | {"labels": [1]}, "not one for each of the 2 steps"),
    (ROW | {"labels": [1, -1]}, "must each be true or 1"),
    (ROW | {"labels": [0, 1]}, "its `label` is 1, but by its `labels` the first wrong step is 0"),
    (ROW | {"final_answer_correct": "yes"}, "neither true nor false"),
]


@pytest.mark.parametrize(("row", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_one_bad_row_among_good_ones_is_named_with_its_line(row: Any, reason: str, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_bytes(lines(ROW, b"\n", row, ROW))
    rows = read(tmp_path / "mine.jsonl")
    assert len(rows.cases) == 2
    [bad] = rows.bad
    assert str(bad).startswith("line 3: ")
    assert reason in str(bad)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no labelled solutions: a row needs `problem`, `steps`"),
        (b"\xff\xfe{\x00", "is UTF-16 text"),
        (lines({"question": "?"}), "(line 1: it has no `problem` and no `steps` and no `label`, only question)"),
        (b"[1, ", "is not JSON"),
        (b"[\xff]", "is not UTF-8 text"),
        (b"[]", "has no labelled solutions"),
    ],
)
def test_a_file_without_a_usable_row_is_one_sentence(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_bytes(content)
    with pytest.raises(BadInput) as error:
        load(str(tmp_path / "mine.jsonl"))
    assert message in str(error.value)


def test_a_missing_file_a_folder_and_a_broken_archive_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl.gz").write_bytes(b"plain")
    for name in ("nowhere.jsonl", ".", "mine.jsonl.gz"):
        with pytest.raises(BadInput, match="cannot be read: "):
            load(str(tmp_path / name))


def test_unknown_names_get_suggestions(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'processbench'"):
        load("procesbench")
    with pytest.raises(UnknownName, match="did you mean 'gsm8k'"):
        load("processbench", ["gsm-8k"])
    with pytest.raises(UnknownName, match="known are lab"):
        load("lab", ["math"])
    with pytest.raises(BadInput, match="1 or more, not 0"):
        load("lab", limit=0)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ProcessBench of the right size that says nothing, by the variable that names a folder in the hub's place."""
    folder = tmp_path / "processbench"
    folder.mkdir()
    for k, (subset, count) in enumerate(PROCESSBENCH.items()):
        content = lines(*[ROW | {"id": f"{subset}-{n}"} for n in range(count)])
        (folder / f"{subset}.json{'l' * (k % 2)}").write_bytes(content)
    monkeypatch.setenv("TTS_DATA", str(tmp_path))
    return folder


def test_processbench_is_found_in_the_folder_that_stands_in_for_the_hub(bench: Path) -> None:
    data = load("ProcessBench")
    assert {subset: len(cases) for subset, cases in data.subsets.items()} == PROCESSBENCH
    assert data.part == ""


def test_a_subset_or_a_limit_makes_it_a_part(bench: Path) -> None:
    data = load("processbench", ["math", "GSM8K"], limit=3)
    assert {subset: len(cases) for subset, cases in data.subsets.items()} == {"gsm8k": 3, "math": 3}
    assert data.part == "without olympiadbench, omnimath, only the first 3 solutions of each subset"


def test_an_incomplete_or_damaged_processbench_is_refused(bench: Path) -> None:
    whole = (bench / "gsm8k.json").read_bytes()
    (bench / "gsm8k.json").write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(BadInput, match="holds 399 solutions, ProcessBench's gsm8k has 400"):
        load("processbench")
    (bench / "gsm8k.json").write_bytes(whole[:-20])
    with pytest.raises(BadInput, match=r"gsm8k\.json, line 400: it is not JSON: .*: it is not ProcessBench's gsm8k"):
        load("processbench", ["gsm8k"])
    (bench / "gsm8k.json").unlink()
    with pytest.raises(BadInput, match=r"there is no gsm8k\.json or gsm8k\.jsonl in "):
        load("processbench")


def test_without_the_hub_one_sentence_says_how_to_get_processbench(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if k != "TTS_DATA"}
    env |= {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        env.pop(name, None)
    command = [sys.executable, "-c", "import cli; cli.main()", "prm-eval", "--prm", "lab-prm"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "hf download Qwen/ProcessBench --repo-type dataset --revision" in line
    assert "TTS_DATA" in line


def test_the_laboratorys_solutions_are_held_out_labelled_and_several_a_problem() -> None:
    data = load("lab")
    [cases] = data.subsets.values()
    held_out = {p.problem: p for p in lab_problems("lab-validation")}
    assert len(cases) == labelled.EACH * 5 * judged.PER_LEVEL
    assert all(held_out[case.problem].split == "validation" for case in cases)
    assert len({case.id for case in cases}) == len(cases)
    assert len({case.problem for case in cases}) == len(cases) // labelled.EACH
    for case in cases:
        # Once wrong, a solution stays wrong, though its answer may be right after all.
        assert case.labels == tuple(k < case.first_error or case.first_error < 0 for k in range(len(case.steps)))
        assert case.right == (f"\\boxed{{{held_out[case.problem].answer}}}" in case.steps[-1])
        assert case.right or case.first_error >= 0
    assert 0.4 < sum(case.right for case in cases) / len(cases) < 0.7  # lab-1m's pass@1 is about 0.53


def test_the_command_that_made_the_laboratorys_solutions_makes_such_a_file(tmp_path: Path) -> None:
    judged.write(tmp_path / "few.jsonl", per_level=1, each=2)
    rows = labelled.read(tmp_path / "few.jsonl")
    assert [problem.id for problem, _, _ in rows[::2]] == [f"lab-validation-{k}00" for k in range(5)]
    assert any(all(labels) for _, _, labels in rows)  # five easy and hard problems: some solution is right


# -- the real thing, where it is -------------------------------------------------------------------------------------

REAL = Path(os.environ.get("TTS_DATA") or ROOT.parent / "shared" / "data") / "processbench"
# Erroneous and correct samples of each subset: arXiv 2412.06559, table 2.
TABLE_2 = {"gsm8k": (207, 193), "math": (594, 406), "olympiadbench": (661, 339), "omnimath": (759, 241)}


@pytest.mark.skipif(not REAL.is_dir(), reason="ProcessBench is not here: TTS_DATA names no folder that holds it")
@pytest.mark.parametrize("subset", TABLE_2)
def test_every_row_of_the_real_processbench_is_read(subset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTS_DATA", str(REAL.parent))
    [cases] = load("processbench", [subset]).subsets.values()
    wrong = sum(case.first_error >= 0 for case in cases)
    print(f"{subset}: {len(cases)} solutions, {wrong} erroneous, {sum(len(c.steps) for c in cases)} steps")
    assert (wrong, len(cases) - wrong) == TABLE_2[subset]
    assert len({case.id for case in cases}) == len(cases)
    # The paper discards solutions with a wrong final answer and no wrong step.
    assert all(case.right or case.first_error >= 0 for case in cases)
