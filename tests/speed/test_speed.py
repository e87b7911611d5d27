"""Parts of the speed benchmark that can be tested without measuring: lengths, answers, table, resuming."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import random_models, workloads
from benchmarks.speed.harness import FULL, QUICK, Bench, Measurement, Run
from benchmarks.speed.measure import attention, cluster, memory, overhead, scaling, search_tax, selector
from benchmarks.speed.peers import its_hub, search_and_learn
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, render
from tests.toy import ToyPolicy, ToyReward
from tts import Solver
from tts.errors import BadInput
from tts.registry import TABLE
from tts.search import variant
from tts.search.strategy import strategy_type
from tts.selection.profile_check import check

# -- the shape --------------------------------------------------------------------------------------------------------


def test_steps_are_40_tokens_and_solutions_8_steps_by_the_shares_of_the_vocabulary() -> None:
    vocabulary = random_models.Vocabulary()
    tokens = vocabulary.tokens()
    breaks = sum("\n\n" in token for token in tokens)
    ends = [tokens[k] for k in vocabulary.end_ids()]
    assert len(tokens) == len(set(tokens)) == vocabulary.size
    assert all(token.startswith("<end_") for token in ends)
    # An id drawn uniformly ends the step with probability (175 + 25) / 8000, and then the solution in 25 of 200 cases.
    assert vocabulary.step_tokens == len(tokens) / (breaks + len(ends)) == 40
    assert vocabulary.solution_steps == (breaks + len(ends)) / len(ends) == 8


def test_the_shape_is_about_30m_parameters_and_finds_every_token_equally_likely(small: tuple[Path, Path]) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape, vocabulary = random_models.Shape(), random_models.Vocabulary()
    with torch.device("meta"):
        full = LlamaForCausalLM(LlamaConfig(vocab_size=vocabulary.size, **shape.config()))
    assert 27e6 < sum(p.numel() for p in full.parameters()) < 30e6  # below 30M an engine takes one thread
    model = LlamaForCausalLM.from_pretrained(small[0])
    with torch.inference_mode():
        logits = model(torch.tensor([[1, 300, 4000]])).logits
    assert logits.abs().max() == 0


@pytest.mark.usefixtures("fresh_models")
async def test_the_shape_loads_and_is_searched(small: tuple[Path, Path]) -> None:
    policy, prm = small
    solver = Solver(
        str(policy), str(prm), "beam-search", 4, engine="transformers", device="cpu", temperature=1.0, step_tokens=16,
        max_tokens=200,
    )  # fmt: skip
    [problem] = random_models.problems(1, words=20)
    solution = await solver.solve(problem)
    assert solution.usage.policy_tokens > 0
    assert solution.usage.prm_tokens > 0


def test_the_shape_is_made_once(small: tuple[Path, Path]) -> None:
    policy, _ = small
    before = (policy / "model.safetensors").stat().st_mtime_ns
    random_models.make(policy.parent)
    assert (policy / "model.safetensors").stat().st_mtime_ns == before


def test_the_problems_of_the_shape_differ_and_are_always_the_same() -> None:
    some = random_models.problems(8)
    assert len({problem.text for problem in some}) == 8
    assert [p.text for p in random_models.problems(16)[:8]] == [p.text for p in some]


# -- the search tax ---------------------------------------------------------------------------------------------------


def test_the_plain_side_samples_exactly_as_many_tokens() -> None:
    assert search_tax.parts(100, 30) == [30, 30, 30, 10]
    assert search_tax.parts(90, 30) == [30, 30, 30]
    assert sum(search_tax.parts(12345, 321)) == 12345


async def test_the_tax_counts_what_was_searched() -> None:
    solver = Solver(ToyPolicy(slip=0.0), ToyReward(), "beam-search", 4, temperature=0.0)
    run = Run(3.0, [await solver.solve("How far?")])
    found = search_tax.figures(run, sampling=1.0, scoring=0.5)
    # Four beams of three steps "k\n\n" of 3 tokens and "\boxed{3}" with its end, 10 tokens.
    assert (found["policy_tokens"], found["step_requests"], found["solution_steps"]) == (76, 16, 4)
    assert found["step_tokens"] == 76 / 16
    assert found["tax"] == 2.0
    assert found["tax_overlapped"] == 3.0


def test_the_selectors_tax_is_held_against_the_cheaper_of_the_searches() -> None:
    figures = {"search_seconds": 1.0, "sampling_seconds": 1.0, "scoring_seconds": 1.0, "policy_tokens": 1,
               "step_tokens": 1.0, "solution_steps": 1.0}  # fmt: skip
    for auto, holds in ((1.09, True), (1.11, False)):
        record = Record(None, {}, {})
        for strategy, ratio in (("beam-search", 1.0), ("dvts", 2.0), ("best-of-n", 0.5), ("auto", auto)):
            record.keep(f"tax/lab/{strategy}/16", {**figures, "tax": ratio})
        assert [row.holds for row in search_tax.rows(record)] == [None, None, None, holds]


# -- the record and the table -----------------------------------------------------------------------------------------


def test_a_record_keeps_each_measurement_on_disk_and_is_resumed(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "speed.json"
    record = Record(file, {"n": 4}, {"cores": 2})
    record.keep("tax/lab/dvts/4", {"tax": 1.2})
    assert json.loads(file.read_text())["machine"] == {"cores": 2}
    again = Record(file, {"n": 4}, {"cores": 2})
    assert "tax/lab/dvts/4" in again
    assert again["tax/lab/dvts/4"] == {"tax": 1.2}
    assert list(again.of("tax")) == [(["lab", "dvts", "4"], {"tax": 1.2})]


def test_a_record_of_another_run_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "speed.json"
    Record(file, {"n": 4}, {}).keep("a", {})
    with pytest.raises(BadInput, match="was made with"):
        Record(file, {"n": 8}, {})
    file.write_text("[]")
    with pytest.raises(BadInput, match="not a record"):
        Record(file, {"n": 4}, {})


async def test_an_interrupted_run_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    ran: list[str] = []

    def measurement(name: str) -> Measurement:
        async def run(bench: Bench) -> dict[str, object]:
            ran.append(name)
            if name == "b" and ran.count("b") == 1:
                raise KeyboardInterrupt
            return {"figure": len(ran)} if name != "c" else {"skipped": "it was not there"}

        return Measurement(name, run)

    wanted, bench = [measurement("c"), measurement("a"), measurement("b")], Bench(QUICK, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        await command.measure(bench, wanted, Record(tmp_path / "x.json", {}, {}))
    await command.measure(bench, wanted, Record(tmp_path / "x.json", {}, {}))
    assert ran == ["c", "a", "b", "c", "b"]  # what was skipped is tried again


def filled() -> Record:
    record = Record(None, {}, {})
    side = {"policy_tokens": 10, "prm_tokens": 10}
    record.keep(
        "tax/30m/dvts/16",
        {"search_seconds": 3.0, "sampling_seconds": 1.0, "scoring_seconds": 1.0, "tax": 1.5, "policy_tokens": 9,
         "step_tokens": 40.0, "solution_steps": 8.0},
    )  # fmt: skip
    record.keep("control/beam-search/16/ours", {"seconds": 1.0, "right": [1.0, 0.0], **side})
    record.keep("control/beam-search/16/published", {"seconds": 7.0, "right": [1.0, 1.0], **side})
    record.keep("growth/dvts/N", {"what": "N", "few_seconds": 1, "many_seconds": 3, "time_ratio": 3, "work_ratio": 2})
    record.keep("memory/flight", {"bytes": 5e9, "processes": 3, "problems": 64})
    record.keep("memory/queue", {"bytes": 3e8, "queued": 10000, "solved": 128})
    record.keep("peer/best-of-n/4", {"skipped": "there is none"})
    sides = {"ours": 2.0, "ours in process": 1.0, "in turn": 5.0, "gathered": 3.0}
    peer_run = {side: {"seconds": seconds, "right": [1.0, 0.0]} for side, seconds in sides.items()}
    record.keep("peer/beam-search/4", {"version": "1.2.0", "problems": 2, **peer_run})
    return record


def test_every_bar_says_whether_it_holds() -> None:
    verdicts = {(row.part, row.what): row.verdict for row in command.rows(filled())}
    assert verdicts == {
        ("control", "beam-search N=16 over the published loop"): "holds",
        ("control", "beam-search N=16, accuracy"): "holds",  # 50 points fewer of two problems: the interval holds 0
        ("growth", "dvts, N"): "missed",
        ("memory", "64 problems in flight"): "holds",
        ("memory", "10000 problems queued"): "missed",
        ("tax", "dvts N=16, 30m"): "holds",
        ("peer", "best-of-n N=4 over its_hub"): "",
        ("peer", "beam-search N=4 over its_hub 1.2.0, in turn"): "missed",  # 2.5 times as fast, the bar is 3
        ("peer", "beam-search N=4 over its_hub 1.2.0, gathered"): "",
    }


def test_the_table_is_aligned_and_holds_every_row() -> None:
    lines = render([Row("tax", "beam search", "1.40", "<= 1.5", True), Row("x", "y", "z")]).splitlines()
    assert lines[0].split() == ["part", "what", "figure", "bar", "verdict", "note"]
    assert lines[2].index("1.40") == lines[0].index("figure")
    assert "holds" in lines[2]
    assert lines[3].split() == ["x", "y", "z"]


def test_every_search_has_a_tax() -> None:
    kinds = {name: strategy_type(name) for name in TABLE["strategy"]}
    searches = {name for name, kind in kinds.items() if kind.single and not (kind.adaptive or kind.calls_tools)}
    measured = {variant.base(name) for name in (*search_tax.SEARCHES, *search_tax.NEWER)}
    assert searches - measured == {"best-of-n", "majority"}  # plain sampling itself


def test_a_solver_of_a_load_takes_a_strategy_with_parameters() -> None:
    load = workloads.lab()
    assert load.solver("dvts:granularity=2", 4).plan.parameters["granularity"] == 2
    assert load.solver("dvts", 4).plan.parameters["granularity"] == 1


def test_measurements_are_chosen_by_part_or_pattern() -> None:
    def names(only: str | None) -> list[str]:
        return [measurement.name for measurement in command.chosen(FULL, only)]

    assert names("tax/30m/*/16")[:2] == ["tax/30m/beam-search/16", "tax/30m/dvts/16"]
    assert names("tax/30m/*/16")[2:] == [f"tax/30m/{strategy}/16" for strategy in search_tax.NEWER]
    assert names("peer/beam-search/*") == ["peer/beam-search/4", "peer/beam-search/16"]
    assert {name.split("/")[0] for name in names("memory,growth")} == {"memory", "growth"}
    assert len(names(None)) == len(set(names(None)))
    assert {name.split("/")[0] for name in names(None)} == set(command.PARTS)


def test_a_pattern_that_names_nothing_is_a_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "taxes"]) == 2
    assert "matches nothing" in capsys.readouterr().err


async def test_without_a_peer_the_part_is_skipped_with_the_reason(tmp_path: Path) -> None:
    measurement = next(its_hub.measurements(QUICK))
    assert "its_hub" in (await measurement.run(Bench(QUICK, tmp_path)))["skipped"]
    absent = Bench(QUICK, tmp_path, peer_python=tmp_path / "none")
    assert "cannot import" in (await measurement.run(absent))["skipped"]


def test_memory_is_read_of_this_process_and_those_below_it() -> None:
    assert memory.held(os.getpid()) > 10_000_000
    assert memory.below(os.getpid())[0] == os.getpid()
    assert memory.held(2**22 + 1) == 0
    with memory.Watch(children=False) as watch:
        block = bytearray(50_000_000)
    assert watch.most >= len(block)


def test_every_growth_and_control_measurement_has_its_rows() -> None:
    assert [m.name for m in scaling.measurements(FULL)][:2] == ["growth/beam-search/N", "growth/beam-search/problems"]
    names = [m.name for m in search_and_learn.measurements(FULL)]
    assert "control/dvts/64/published" in names
    assert "control/dvts/64/at-n" not in names


def test_workers_of_a_cluster_are_compared_by_the_work_that_they_end_in_a_second() -> None:
    """10 s of work in 10 s by one worker; 600 s of work in 10 s by 64: 60 times as much."""
    record = Record(None, {}, {})
    driver = {"rows": 8, "cpu_ms": 0.5, "bytes": 2000, "load": 1.0}
    record.keep("cluster/simulated/1", {**driver, "seconds": 10.0, "work": 10.0})
    record.keep("cluster/simulated/64", {**driver, "seconds": 10.0, "work": 600.0})
    record.keep("cluster/driver", {**driver, "seconds": 0.04})
    found = {row.what: (row.figure, row.holds) for row in cluster.rows(record)}
    assert found["rate of 64 simulated workers over 1"] == ("60.0", True)
    assert found["processor time of the driver a row"] == ("0.50 ms", True)
    assert found["the same with 64 workers"] == ("0.50 ms", True)


async def test_a_decision_is_measured_on_curves_that_a_calibration_could_have_made(tmp_path: Path) -> None:
    check(selector.made_up())
    [measurement] = selector.measurements(QUICK)
    found = await measurement.run(Bench(QUICK, tmp_path))
    record = Record(None, {}, {})
    record.keep(measurement.name, found)
    assert [row.what for row in selector.rows(record)] == ["a decision", "the table of best moves"]


async def test_our_own_time_is_measured_with_an_engine_that_answers_at_once(tmp_path: Path) -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed", exc_type=ImportError)
    record = Record(None, {}, {})
    for measurement in overhead.measurements(QUICK):
        found = await measurement.run(Bench(QUICK, tmp_path))
        assert found["step_requests"] > QUICK.overhead * QUICK.n  # every problem takes more than one step of each beam
        assert sum(entry["own_share"] for entry in found["top"]) < 1
        record.keep(measurement.name, found)
    assert [row.what for row in overhead.rows(record)] == ["beam-search, a step request", "dvts, a step request"]


async def test_attention_is_measured_with_repeated_and_with_shared_heads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_models.make(tmp_path / "shape-30m", random_models.Shape(width=128, inner=64, layers=1, kv_heads=1))
    monkeypatch.setattr(attention, "TOKENS", 4)
    record = Record(None, {}, {})
    for measurement in attention.measurements(QUICK):
        record.keep(measurement.name, await measurement.run(Bench(QUICK, tmp_path)))
    [row] = attention.rows(record)
    assert row.what == "decoding on transformers, N=4, repeated heads over shared ones"
