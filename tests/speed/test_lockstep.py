"""The published loop: it answers as our search does, and reads the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.speed import random_models
from benchmarks.speed.peers.lockstep import Beam, Lockstep, Piece, candidates, repeated, split
from benchmarks.speed.peers.lockstep_models import Writer, chat, tokenizer_of
from tests.toy import ToyPolicy, ToyReward, step
from tts import Problem, Solver
from tts.protocols import Completion, Request, RewardModel
from tts.registry import resolve
from tts.types import Finish, Node, Step


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
