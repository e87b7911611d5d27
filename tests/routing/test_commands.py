"""``tts pool`` and ``tts route`` as typed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import typer

from tests.command_line import Tts
from tests.routing.samples import ARMS, SUMS, WORDS, HashEmbedder, outcomes
from tts.commands.pool import embedding
from tts.routing.embedding import CachedEmbedder

pytest.importorskip("sklearn", reason="fitting a pool needs scikit-learn")

NEW_SUM = "What is 30 plus 41 in total?"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Outcomes in LLMRouter's rows."""
    table, file = outcomes(), tmp_path / "outcomes.jsonl"
    rows = [
        {
            "task_name": group, "query": text, "model_name": arm, "performance": float(table.quality[q, a]),
            "cost": float(table.cost[q, a]), "response_time": 1.0,
        }
        for q, (text, group) in enumerate(zip(table.texts, table.groups, strict=True))
        for a, arm in enumerate(table.arms)
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def pool(tts: Tts, recorded: Path, tmp_path: Path) -> str:
    file = str(tmp_path / "pool.json")
    done = tts("pool", "fit", "--outcomes", str(recorded), "--out", file, "--parameter", "k=4")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{file}: 3 models, fitted on 80 problems.\n"
    return file


def test_route_names_the_model_and_why(tts: Tts, pool: str) -> None:
    done = tts("route", "--pool", pool, NEW_SUM)
    assert done.out.startswith("Model  adder\n")
    assert "adder is worth most by the objective" in done.out
    row = json.loads(tts("route", "--pool", pool, "--json", NEW_SUM).out)
    assert (row["model"], row["fitted_on"], len(row["models"])) == ("adder", False, 3)
    assert (
        json.loads(tts("route", "--pool", pool, "--json", "--objective", "cost=5", NEW_SUM).out)["model"]
        == "generalist"
    )


def test_plan_over_a_pool_decides_within_the_budget_and_says_why(tts: Tts, pool: str) -> None:
    done = tts("plan", "--pool", pool, NEW_SUM)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Model   adder\nSearch  majority, N = 16\n")
    assert "\nChoice  adder: " in done.out
    row = json.loads(tts("plan", "--pool", pool, "--json", "-n", "4", "--max-cost", "0.005", NEW_SUM).out)
    assert (row["model"], row["arm"]["n"], row["budget"]) == (
        "generalist", 4, {"n": 4, "cost": 0.005, "unit": "dollars"}
    )  # fmt: skip
    assert "beyond the budget, such as adder, which costs 0.01 dollars" in row["reason"]
    assert "leave --policy out" in tts("plan", "--pool", pool, "--policy", "lab-4m", NEW_SUM).sentence
    assert "go with --pool" in tts("plan", "--objective", "cost=1", NEW_SUM).sentence


def test_a_problem_that_was_fitted_on_is_a_warning(tts: Tts, pool: str) -> None:
    assert "fitted on this problem" in tts("route", "--pool", pool, SUMS[0]).err


def test_show_lists_the_models_with_their_searches(tts: Tts, pool: str) -> None:
    done = tts("pool", "show", pool)
    assert all(name in done.out for name in (*ARMS, "clusters", "tfidf", "80 problems", "majority"))
    assert [arm["name"] for arm in json.loads(tts("pool", "show", "--json", pool).out)["arms"]] == list(ARMS)


def test_add_takes_one_more_model_with_its_price(tts: Tts, pool: str, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    rows = [{"task_name": "words", "query": text, "model_name": "poet", "performance": 1.0} for text in WORDS]
    more.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = tts("pool", "add", pool, "--model", "poet", "--outcomes", str(more), "--price", "poet=0.1,0.4")
    assert (done.code, "4 models, poet is new" in done.out) == (0, True)
    assert "0.1 / 0.4" in tts("pool", "show", pool).out
    assert "already" in tts("pool", "add", pool, "--model", "poet", "--outcomes", str(more)).sentence


def test_add_takes_the_arm_of_a_model_by_its_policy_and_no_other_name(tts: Tts, pool: str, tmp_path: Path) -> None:
    more, two = tmp_path / "more.jsonl", tmp_path / "two.jsonl"
    row = {"task_name": "words", "performance": 1.0}
    arms = ("poet@majority/4", "poet@majority/8")
    more.write_text("".join(json.dumps({**row, "query": q, "model_name": arms[0]}) + "\n" for q in WORDS))
    two.write_text("".join(json.dumps({**row, "query": q, "model_name": a}) + "\n" for q in WORDS for a in arms))
    assert "did you mean" in tts("pool", "add", pool, "--model", "poeta", "--outcomes", str(more)).sentence
    several = tts("pool", "add", pool, "--model", "poet", "--outcomes", str(two)).sentence
    assert "has several arms in these outcomes, poet@majority/4, poet@majority/8" in several
    done = tts("pool", "add", pool, "--model", "poet", "--outcomes", str(more))
    assert "4 models, poet@majority/4 is new" in done.out
    added = json.loads(tts("pool", "show", "--json", pool).out)["arms"][-1]
    assert (added["policy"], added["n"]) == ("poet", 4)


def test_an_embedder_that_is_not_there_is_refused_before_any_model_runs(tts: Tts, tmp_path: Path) -> None:
    out = tmp_path / "pool.json"
    models = ("--models", "lab-200k,lab-toys", "--data", "lab-validation", "--embedder", "nobody/nothing")
    assert "hf download" in tts("pool", "fit", *models, "--out", str(out)).sentence
    assert not out.with_suffix(".runs").exists()


def test_eval_names_the_arms_that_the_outcomes_lack(tts: Tts, pool: str, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    rows = [{"task_name": "words", "query": text, "model_name": "adder", "performance": 1.0} for text in WORDS]
    more.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = tts("pool", "eval", pool, "--outcomes", str(more))
    assert done.code == 2
    assert "none of speller, generalist, which the pool may choose" in done.err


def test_eval_compares_with_each_model_and_the_oracle_and_warns_of_fitted_problems(
    tts: Tts, pool: str, recorded: Path
) -> None:
    done = tts("pool", "eval", pool, "--outcomes", str(recorded), "--json")
    assert "fitted on 80 of these 80" in done.sentence
    rows = {row["chosen by"]: row["right %"] for row in json.loads(done.out)["rows"]}
    # The adder is right on one of two data sets; the pool and the oracle on both.
    assert (rows["adder"], rows["oracle"], rows["the pool"]) == (0.5, 1.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--parameter", "kk=3"], "did you mean 'k'"),
        (["--router", "cluster"], "did you mean 'clusters'"),
        (["--embedder", "nobody/nothing"], "hf download"),
        (["--price", "ader=1,2"], "one of adder"),
        (["--price", "adder=1"], "INPUT,OUTPUT"),
    ],
)
def test_what_is_mistyped_is_one_sentence(
    tts: Tts, recorded: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = tts("pool", "fit", "--outcomes", str(recorded), "--out", str(tmp_path / "p.json"), *arguments)
    assert done.code == 2
    assert words in done.sentence


def test_an_empty_problem_is_not_routed(tts: Tts, pool: str) -> None:
    for command in ("route", "plan"):
        done = tts(command, "--pool", pool, " ")
        assert (done.code, done.sentence) == (2, "the problem is empty: give a question to be answered.")


def test_solve_takes_a_pool_and_refuses_what_the_pool_decides(tts: Tts, pool: str) -> None:
    assert "leave --policy out" in tts("solve", "--pool", pool, "--policy", "lab-4m", NEW_SUM).sentence
    assert "adder" in tts("solve", "--pool", pool, NEW_SUM).sentence  # nobody knows a policy of this name
    assert "go with --pool" in tts("solve", "--objective", "cost=1", NEW_SUM).sentence
    Path(pool).write_text("{}")
    assert "no pool file" in tts("solve", "--pool", pool, NEW_SUM).sentence


def test_ctrl_c_says_what_is_kept_and_which_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = HashEmbedder()
    cached = CachedEmbedder(inner, tmp_path)
    monkeypatch.setattr("tts.routing.embedding._CHUNK", 2)
    monkeypatch.setattr(sys, "argv", ["tts", "pool", "fit", "--out", "p.json"])

    async def stopped(texts: Sequence[str]) -> np.ndarray:
        if len(inner.calls) == 2:
            raise KeyboardInterrupt
        return await HashEmbedder.embed(inner, texts)

    monkeypatch.setattr(cached, "embedder", SimpleNamespace(name=inner.name, embed=stopped))
    with pytest.raises(typer.Exit) as end, embedding(cached, "the pool is not in p.json yet") as made:
        asyncio.run(cast("CachedEmbedder", made).embed(["a", "b", "c", "d", "a"]))
    assert end.value.exit_code == 130
    said = "tts: interrupted: 2 of 4 embeddings are cached, the pool is not in p.json yet; this goes on: tts pool fit"
    assert capsys.readouterr().err == f"{said} --out p.json\n"
