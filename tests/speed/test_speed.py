"""Parts of the speed benchmark that can be tested without measuring: lengths, answers, table, resuming."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.speed import __main__ as command
from benchmarks.speed import random_models, workloads
from benchmarks.speed.harness import FULL, QUICK, Bench, Measurement, Run
from benchmarks.speed.measure import cluster, memory, scaling, search_tax, selector
from benchmarks.speed.peers import its_hub, search_and_learn
from benchmarks.speed.peers.lockstep import Beam, Lockstep, Piece, candidates, repeated, split
from benchmarks.speed.peers.lockstep_models import Writer, chat, tokenizer_of
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row, render
from tests.toy import ToyPolicy, ToyReward, step
from tts import Problem, Solver
from tts.errors import BadInput
from tts.protocols import Completion, Request, RewardModel
from tts.registry import TABLE, resolve
from tts.search import variant
from tts.search.strategy import strategy_type
from tts.selection.profile_check import check
from tts.types import Finish, Node, Step

# -- the shape --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Both checkpoints with the full vocabulary and a single narrow layer."""
    shape = random_models.Shape(width=64, inner=64, layers=1, kv_heads=1, context=256)
    return random_models.make(tmp_path_factory.mktemp("shape"), shape)


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


# -- the control ------------------------------------------------------------------------------------------------------


def toy_loop(policy: ToyPolicy, temperature: float) -> tuple[Writer, list[int]]:
    """The toy policy as the lock-step loop writes with it, where one character is a token."""
    lengths: list[int] = []

    def tokenize(question: str, answer: str) -> list[int]:
        lengths.append(len(question + answer))
        return list(map(ord, question + answer))

    class Retold(ToyPolicy):
        """The toy counts its steps by the node's depth, which a text from the beginning does not have."""

        async def generate(self, request: Request) -> Completion:
            node = request.node
            text = "".join(map(chr, node.step.tokens))[len(request.problem.text) :]
            prefix = Node(step(request.problem.text), "/")
            for k, piece in enumerate(text.split("\n\n")[:-1]):
                prefix = Node(Step(piece + "\n\n", tuple(map(ord, piece + "\n\n"))), f"/{k}", parent=prefix)
            return await policy.generate(replace(request, node=prefix))

    return Writer(Retold(), tokenize, temperature=temperature, max_tokens=50), lengths


async def toy_judge(question: str, answers: Sequence[str]) -> list[tuple[float, ...]]:
    """The toy's reward: 0.9 before the first slip, 0.1 from there on."""
    steps = [split(answer) for answer in answers]
    return [tuple(0.1 if any("#" in s for s in found[: k + 1]) else 0.9 for k in range(len(found))) for found in steps]


@pytest.mark.parametrize("strategy", ["beam_search", "dvts"])
async def test_at_temperature_0_the_control_answers_as_our_search_does(strategy: str) -> None:
    problem = Problem("How far?")
    write, _ = toy_loop(ToyPolicy(), 0.0)
    beams = await getattr(Lockstep(n=8), strategy)(problem.text, write, toy_judge)
    theirs = resolve("vote", "weighted")(candidates(beams))
    name = strategy.replace("_", "-")
    ours = await Solver(ToyPolicy(), ToyReward(), name, 8, temperature=0.0).solve(problem)
    assert theirs.answer == ours.answer == "3"


async def test_the_control_steers_round_slips_as_our_search_does() -> None:
    problem = Problem("How far?")
    write, _ = toy_loop(ToyPolicy(slip=0.4), 1.0)
    beams = await Lockstep(n=16).beam_search(problem.text, write, toy_judge)
    assert resolve("vote", "weighted")(candidates(beams)).answer == "3"
    ours = await Solver(ToyPolicy(slip=0.4), ToyReward(), "beam-search", 16, temperature=1.0).solve(problem)
    assert ours.answer == "3"


async def test_the_control_reads_every_text_from_its_beginning_in_every_round() -> None:
    write, lengths = toy_loop(ToyPolicy(), 0.0)
    await Lockstep(n=4, distinct=False).beam_search("How far?", write, toy_judge)
    # Three steps of three characters and the box: four rounds of four beams, each with all that came before.
    assert lengths == [8] * 4 + [11] * 4 + [14] * 4 + [17] * 4
    assert write.requests == 16


async def endless(question: str, answers: Sequence[str], whole: bool) -> list[Piece]:
    return [Piece("on\n\n", Finish.STOP if whole else Finish.STEP) for _ in answers]


async def test_the_control_stops_after_its_rounds_and_runs_the_last_one_to_the_end() -> None:
    beams = await Lockstep(n=4, rounds=5).beam_search("?", endless, toy_judge)
    assert [beam.text.count("on") for beam in beams] == [5] * 4
    assert all(beam.finish is Finish.STOP for beam in beams)


async def test_the_control_goes_on_past_n_ended_beams_unless_told_otherwise() -> None:
    calls = 0

    async def half(question: str, answers: Sequence[str], whole: bool) -> list[Piece]:
        nonlocal calls
        calls += 1
        return [Piece(f"{k}\n\n", Finish.STOP if k % 2 else Finish.STEP) for k, _ in enumerate(answers)]

    await Lockstep(n=4, rounds=7).beam_search("?", half, toy_judge)
    assert calls == 7  # two of four end in each round, so four had ended after the second
    calls = 0
    await Lockstep(n=4, rounds=7, enough=4).beam_search("?", half, toy_judge)
    assert calls == 2


async def test_a_text_that_was_cut_off_does_not_vote() -> None:
    beams = [Beam("\\boxed{1}", Finish.LENGTH, (0.9,)), Beam("\\boxed{2}", Finish.STOP, (0.1,))]
    assert resolve("vote", "weighted")(candidates(beams)).answer == "2"


@pytest.mark.usefixtures("fresh_models")
async def test_the_control_reads_the_same_reward_model_text_and_scores_as_ours(small: tuple[Path, Path]) -> None:
    from tts.engines.load import load_reward

    _, prm = small
    words = random_models.Vocabulary().words()
    texts = ["".join(words[k : k + 5]) + "\n\n" + "".join(words[k + 9 : k + 12 + k]) + "\n\n" for k in range(6)]
    problem = Problem("".join(words[:7]))
    await _alike(load_reward(str(prm), engine="transformers", device="cpu", dtype="float32"), problem, texts)


async def test_the_control_reads_the_built_in_models_too() -> None:
    from tts.engines.load import load_policy, load_reward

    problem = Problem("Mia has 17 marbles. She wins 25 more. How many are left?")
    texts = ["17 + 25 = 42\n\n42 - 0 = 42\n\n\\boxed{42}", "17 + 25 = 40\n\n\\boxed{40}"]
    await _alike(load_reward("lab-prm", engine="transformers", device="cpu", dtype="float32"), problem, texts)
    policy = load_policy("lab-1m", engine="transformers", device="cpu")
    ids = chat(tokenizer_of(policy))(problem.text, "")
    assert tuple(ids) == tuple(policy.prompt(problem).tokens)


async def _alike(reward: RewardModel, problem: Problem, texts: Sequence[str]) -> None:
    """Check that the control and our reward model give these solutions the same step scores."""
    from benchmarks.speed.peers.lockstep_models import TransformersJudge

    theirs = await TransformersJudge(reward)(problem.text, texts)
    for text, scores in zip(texts, theirs, strict=True):
        node = Node(Step("", ()), "/")
        for k, piece in enumerate(split(text)):
            node = Node(Step(piece + "\n\n", ()), f"/{k}", parent=node)
        assert scores == pytest.approx(await reward.score(problem, node, 0), abs=1e-5)


def test_beams_are_copied_until_there_are_enough() -> None:
    one, two = Beam("a"), Beam("b")
    assert repeated([one, two], 5) == [one, two, one, two, one]
    assert repeated([one, two], 1) == [one]
    assert repeated([], 3) == []


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
    # Four requests after each of 8, 11, 14 and 17 tokens. In blocks of 4 the last is always computed: 4, 3, 2 and 1.
    assert run.read_again(4) == 4 * (4 + 3 + 2 + 1)


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
