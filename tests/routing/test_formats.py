"""Every format of recorded outcomes, from a few rows each."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tts.errors import BadInput
from tts.routing.formats import read_outcomes


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_routerdc_means_of_samples_are_kept(tmp_path: Path) -> None:
    rows = [{"question": "q", "scores": {"a": 0.3, "b": 1}}, {"question": "q", "scores": {"a": 0, "b": 0.5}}]
    file = tmp_path / "gsm8k.json.gz"
    file.write_bytes(gzip.compress(json.dumps(rows).encode()))
    table = read_outcomes(file)
    assert table.quality.tolist() == [[0.3, 1], [0, 0.5]]  # equal questions stay rows of their own
    assert (table.arms, table.groups) == (("a", "b"), ("gsm8k", "gsm8k"))


def test_routerdc_multiple_choice_is_right_where_the_score_is_above_zero(tmp_path: Path) -> None:
    rows = [{"question": "q", "scores": {"a": 0.5576, "b": 0}}, {"question": "r", "scores": {"a": 0, "b": 0.9998}}]
    (tmp_path / "arc.json").write_text(json.dumps(rows))
    assert read_outcomes(tmp_path / "arc.json").quality.tolist() == [[1, 0], [0, 1]]


def test_routerbench_has_a_column_a_model_and_its_dollars(tmp_path: Path) -> None:
    (tmp_path / "mbpp.csv").write_text(
        "sample_id,prompt,eval_name,m/one,two,m/one|total_cost,two|total_cost,two|model_response\n"
        "7,\"['Write it.', 'Now.']\",mbpp,1.0,0.0,0.002,,ok\n"
    )
    table = read_outcomes(tmp_path / "mbpp.csv")
    assert (table.texts, table.arms, table.groups) == (("Write it.\n\nNow.",), ("m/one", "two"), ("mbpp",))
    assert table.quality.tolist() == [[1, 0]]
    assert table.cost[0, 0] == 0.002
    assert np.isnan(table.cost[0, 1])


def test_llmrouter_rows_are_gathered_by_query(tmp_path: Path) -> None:
    row = {"task_name": "nq", "query": "Who?", "ground_truth": "x", "metric": "em", "response": "x", "token_num": 9}
    rows = [
        row | {"model_name": "a", "performance": 1.0, "response_time": 0.5},
        row | {"model_name": "b", "performance": 0},
    ]
    table = read_outcomes(lines(tmp_path / "r.jsonl", rows))
    assert (table.quality.tolist(), table.groups) == ([[1, 0]], ("nq",))
    assert table.latency[0, 0] == 0.5


def test_llmrouterbench_files_of_one_model_are_joined_by_their_rows(tmp_path: Path) -> None:
    record = {"origin_query": "Q?", "prompt": "p", "prediction": "x", "ground_truth": "x", "score": 1.0, "cost": 0.01}
    rows = [
        {"model_name": "a", "dataset_name": "gpqa", "records": [record]},
        {"model_name": "b", "dataset_name": "gpqa", "records": [record | {"score": 0.0}]},
    ]
    table = read_outcomes(lines(tmp_path / "r.jsonl", rows))
    assert (table.arms, table.quality.tolist(), table.cost.tolist()) == (("a", "b"), [[1, 0]], [[0.01, 0.01]])


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "[]"), ("a.json", '[{"x": 1}]'), ("a.json", "{"), ("a.csv", "prompt\nq\n"), ("a.jsonl", '{"x": 1}\n')],
)
def test_a_file_of_another_kind_is_one_sentence(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=r"a\.(json|csv)"):
        read_outcomes(tmp_path / name)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_outcomes(tmp_path / "none.json")
