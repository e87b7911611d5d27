"""The laboratory's orchestrator: its prompt, its demonstrations, its rollouts, and what GRPO makes of them."""

from __future__ import annotations

import asyncio
import random
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from benchmarks.lab import tokenizer as lab_tokenizer
from benchmarks.orchestra import grpo, policy, stages, tokenizer
from benchmarks.orchestra.demonstrations import (
    CALCULATE,
    LATENCY,
    LOOKUP,
    MODEL,
    PRICE,
    RECORDED,
    Demonstration,
    demonstrate,
)
from benchmarks.orchestra.demonstrations import prompt as start
from benchmarks.orchestra.export import CARD
from benchmarks.orchestra.figures import Outcome, shares, within
from benchmarks.orchestra.reward import Rollout
from benchmarks.orchestra.rollouts import Trajectory, Wish, served, trajectories
from benchmarks.orchestra.stories import code_of, mixed, value_of
from benchmarks.orchestra.tasks import calculate
from benchmarks.orchestra.tools import (
    CHEAP,
    DEAR,
    TOKEN_PRICE,
    Answers,
    Record,
    Remembered,
    answer_in,
    model,
    recorded,
    share_in,
    votes,
)
from benchmarks.orchestra.ways import printed_by, spoil
from benchmarks.orchestra.words import DOMAINS, HELD_OUT_DOMAIN, HELD_OUT_TOOL
from tests.tools.scripted import Scripted, answers, asks
from tts import sandbox, solve, tool
from tts.commands import own_tools
from tts.errors import TTSError
from tts.models.files import BUILT_IN
from tts.tools.function import FunctionTool
from tts.tools.model import ModelTool
from tts.tools.tool import Result, Tool, card
from tts.tools.tool_calls import calls_in
from tts.tools.toolbox import Toolbox
from tts.types import Problem

RECORDS = {"python": Record(0.05), CHEAP: Record(0.2, 70, 100), DEAR: Record(0.5, 80, 100)}
MICRO = policy.Recipe(16, 1, 1, 32, 3_000, batch=1024, warmup=1_000, grown_from="")


@pytest.fixture(autouse=True)
def _small() -> None:
    torch.set_num_threads(1)


def some(count: int, seed: int = 0) -> list[Demonstration]:
    return list(demonstrate(iter(mixed("train", count, seed)), random.Random(seed), votes()))


class TestTasks:
    def test_the_program_of_a_story_yields_its_answer(self) -> None:
        program = ("17+25", "#0*3", "#0-9", "#1/#0")
        assert code_of(program, "25") == "a=17+N;b=a*3;c=a-9;print(b//a)"
        assert value_of(program) == 3  # 42, 126, 33, 126 // 42

    def test_a_number_that_is_taken_out_of_a_story_is_in_the_table(self) -> None:
        for each in (task for task in mixed("train", 15) if task.family == "both"):
            [step] = each.task.program
            value = each.task.database.rows[step.arguments["thing"]][step.arguments["column"]]
            assert len(re.findall(r"\bN\b", each.story)) == len(re.findall(r"\bN\b", each.code)) == 1
            assert each.task.question.endswith(each.story)
            assert not re.search(rf"(?<!\d){value}(?!\d)", each.task.question)

    def test_a_large_story_is_solved_by_its_program_alone(self) -> None:
        for each in (task for task in mixed("train", 40) if task.family == "large"):
            assert printed_by(each.code) == each.task.answer
            numbers = re.findall(r"\d+", each.story)
            assert sum(numbers.count(number) == 1 and number in each.code for number in numbers) >= 2
            assert max(map(int, numbers)) > 99

    def test_families_and_splits(self) -> None:
        assert [task.family for task in mixed("test", 8)] == ["table", "story", "both", "large"] * 2
        assert {task.family for task in mixed("domain", 6)} == {"table", "both"}
        assert all(task.task.database.domain == HELD_OUT_DOMAIN for task in mixed("domain", 6))
        assert all(task.task.program[-1].tool == HELD_OUT_TOOL for task in mixed("tool", 4))
        assert mixed("train", 9, 1) == mixed("train", 9, 1) != mixed("train", 9, 2)
        stories = [{task.story for task in mixed(split, 12)} - {""} for split in ("train", "validation", "test")]
        assert len(set.union(*stories)) == sum(map(len, stories))


class TestDemonstrations:
    def test_the_prompt_is_the_one_that_the_engine_writes(self) -> None:
        task = mixed("train", 1)[0].task
        made: list[Tool] = [task.database.lookup(), FunctionTool(calculate, price=0.0), model(DEAR, RECORDS[DEAR])]
        box = Toolbox(made)
        engine = served(policy.make(MICRO), CARD)
        prompt = engine.offered([card(each) for each in made], box.guide).prompt(Problem("Mia has 17 marbles."))
        dear = (MODEL + RECORDED + PRICE + LATENCY).format(name=DEAR, right=80, of=100, price=0.002, latency=0.5)
        lines = [LOOKUP, CALCULATE, dear]
        question = "Mia has 17 marbles."
        assert prompt.text == f"{start(lines, box.guide, question)}<|assistant|>"
        assert lab_tokenizer.UNK not in tokenizer.build().convert_ids_to_tokens(list(prompt.tokens))
        assert engine.offered([card(each) for each in made], box.guide).warn(Problem("q")) is None  # knows tools

    def test_every_word_is_known_and_the_targets_are_what_the_policy_says(self) -> None:
        encoder, built, found = policy.Encoder(), tokenizer.build(), some(90)
        for each, (ids, targets) in zip(found, encoder.rows(found), strict=True):
            assert built.unk_token_id not in ids
            said = "".join(f"{turn.said}</s>" for turn in each.turns if turn.learned)
            assert (
                built.backend_tokenizer.decode([t % policy.MARK for t in targets if t >= 0], skip_special_tokens=False)
                == said
            )
            assert len(ids) < tokenizer.CONTEXT

    def test_the_starts_of_turns_and_the_answers_are_marked_as_decisions_and_arguments_are_not(self) -> None:
        encoder, found = policy.Encoder(), some(30)
        for each, (_, marked) in zip(found, encoder.rows(found), strict=True):
            decided = tokenizer.build().backend_tokenizer.decode([t % policy.MARK for t in marked if t >= policy.MARK])
            assert decided.endswith(each.turns[-1].said)
            assert '"question"' not in decided
            assert '"code"' not in decided

    def test_calls_return_what_the_tools_return(self) -> None:
        """Sums are calculated by the tool; the programs run in the sandbox, all in one, and print the same."""
        programs: list[tuple[str, str]] = []
        for each in some(120):
            for turn in each.turns[:-1]:
                for call, text in zip(calls_in(turn.said), turn.results, strict=True):
                    given: Any = call.arguments
                    assert not call.problem
                    if call.tool == "calculate":
                        assert str(calculate(**given)) == text
                    if call.tool == "python":
                        programs.append((given["code"], text))
        assert len(programs) > 20
        try:
            run = asyncio.run(sandbox.run("\n".join(code for code, _ in programs)))
        except TTSError as error:
            pytest.skip(str(error))
        assert run.stdout.split() == [text for _, text in programs]

    def test_the_answer_is_one_of_the_last_results(self) -> None:
        for each in some(80):
            assert calls_in(each.turns[-1].said) == ()
            read = [text for turn in each.turns[:-1] for text in turn.results]
            assert each.turns[-1].said in {f"\\boxed{{{answer_in(text) or text}}}" for text in read}

    def test_a_spoiled_program_is_not_learned_and_prints_another_number(self) -> None:
        draw, code = random.Random(4), "a=17+25;b=a*3;print(b//a)"
        for _ in range(50):
            spoiled = spoil(code, draw)
            assert spoiled is not None
            assert printed_by(spoiled[0]) == spoiled[1] != 3
        shown = [turn for each in some(120) for turn in each.turns if not turn.learned]
        assert shown
        assert all('"name": "python"' in turn.said for turn in shown)

    def test_who_strongly_wishes_to_save_is_shown_no_call_of_the_dear_model(self) -> None:
        asked = {True: 0, False: 0}
        for each in some(300):
            found = [re.match(r"(\S+)\(question\).*Price: (\S+) dollars", line) for line in each.tools]
            prices = {line[1]: float(line[2]) for line in found if line}
            if len(prices) == 2:
                dear = max(prices, key=lambda name: prices[name])
                asked["strongly" in each.guide] += any(f'"{dear}"' in turn.said for turn in each.turns)
        assert asked[True] == 0 < asked[False]

    def test_the_held_out_table_and_tool_are_in_no_demonstration_though_their_words_are(self) -> None:
        things, columns = DOMAINS[HELD_OUT_DOMAIN]
        words: set[str] = set()
        for each in some(600):
            asked = each.question.partition(".")[0] if each.question.startswith(("Take", "In")) else ""
            assert f"table {HELD_OUT_DOMAIN}" not in asked
            lines = [line for line in each.tools if " into " in line]
            assert not any("Changes coins into tokens" in line for line in lines)
            words |= set(re.findall(r"[a-z]+", " ".join([asked, *lines])))
        assert words > {HELD_OUT_DOMAIN, HELD_OUT_TOOL, "coins", "tokens", *columns, *things}


def test_the_training_starts_as_the_policy_that_it_grows_from() -> None:
    """The same logits for the words that both know, at every place of a problem."""
    grown = policy.start(policy.Recipe()).eval()
    small = LlamaForCausalLM.from_pretrained(BUILT_IN / policy.Recipe().grown_from, dtype=torch.float32).eval()
    words, mine = lab_tokenizer.build().get_vocab(), tokenizer.build().get_vocab()
    both = sorted(words.keys() & mine.keys() - set(lab_tokenizer.SPECIAL) | {"<s>", "<|user|>", "<|assistant|>"})
    text = "<s><|user|>Mia has 17 marbles. She wins 25 more.<|assistant|>"
    theirs = lab_tokenizer.build().backend_tokenizer.encode(text, add_special_tokens=False).tokens
    with torch.no_grad():
        found = grown(torch.tensor([[mine[t] for t in theirs]])).logits[0][:, [mine[t] for t in both]]
        wanted = small(torch.tensor([[words[t] for t in theirs]])).logits[0][:, [words[t] for t in both]]
    assert torch.allclose(found, wanted, atol=1e-3)


class TestRollouts:
    def test_a_trajectory_has_its_tokens_and_what_they_and_its_calls_cost(self) -> None:
        """One token a character: 8 of the prompt, "[42]", and what was said with two ends of turns."""

        @tool(price=0.25, name=DEAR)
        def twice(n: int) -> int:
            """Twice a number."""
            return 2 * n

        script = [asks(DEAR, n=21), answers(42)]
        solution = solve("how many", policy=Scripted(script), budget=2, tools=[twice], prm=None)
        found = trajectories(solution, "42", RECORDS)
        assert len(found) == 2
        said = sum(map(len, script)) + 2
        assert sum(found[0].sampled) == said
        assert len(found[0].tokens) == 8 + 4 + said
        assert found[0].rollout == Rollout(True, 0.25 + TOKEN_PRICE * (12 + said), 0.5, {DEAR: 1})
        assert found[0].priced == 1
        assert not trajectories(solution, "43", RECORDS)[0].rollout.solved

    def test_the_answer_and_the_share_of_a_vote_are_read_off_a_result(self) -> None:
        text = "Answer: 12 (share of the vote 75%)."
        assert (answer_in(text), share_in(text)) == ("12", 75)
        assert (answer_in("No answer: time."), share_in("No answer: time.")) == ("", 0)

    def test_what_the_built_in_orchestrator_reads_of_its_models_is_what_was_measured(self) -> None:
        offered = [tool for tool in own_tools._own_tools() if isinstance(tool, ModelTool)]
        lines = {tool.name: tool.description.partition("question. ")[2] for tool in offered}
        assert lines == {name: record.line for name, record in recorded().items() if record.of}

    def test_a_tool_is_asked_once_for_the_same_arguments(self, tmp_path: Path) -> None:
        asked: list[int] = []

        @tool(price=0.5)
        async def slow(n: int) -> Result:
            """Slow."""
            asked.append(n)
            await asyncio.sleep(0.01)
            return Result(f"Answer: {n} (share of the vote 100%).", 0.5)

        async def use(kept: Answers, *numbers: int) -> list[Result]:
            tool = Remembered(slow, kept)
            return await asyncio.gather(*(tool.call({"n": n}) for n in numbers))

        kept = Answers(tmp_path / "answers.jsonl")
        assert [answer_in(r.text) for r in asyncio.run(use(kept, 1, 1, 2))] == ["1", "1", "2"]
        kept.close()
        again = Answers(tmp_path / "answers.jsonl")
        assert asyncio.run(use(again, 2, 1))[0] == Result("Answer: 2 (share of the vote 100%).", 0.5)
        again.close()
        assert sorted(asked) == [1, 2]


def trajectory(said: list[int], rollout: Rollout) -> Trajectory:
    return Trajectory((1, 7, *said), (False, False, *[True] * len(said)), rollout)


class TestGrpo:
    def test_what_a_tool_returned_is_read_and_not_learned(self) -> None:
        """Two tokens of the prompt, two sampled, one read, two sampled: TRL's mask leaves the fifth out."""
        sampled = (False, False, True, True, False, True, True)
        fields = grpo._fields([Trajectory((1, 2, 3, 4, 5, 6, 7), sampled, Rollout(True))])
        assert (fields["prompt_ids"], fields["completion_ids"]) == ([[1, 2]], [[3, 4, 5, 6, 7]])
        assert fields["env_mask"] == [[1, 1, 0, 1, 1]]

    def test_the_published_settings_of_orchestrator_8b_reach_the_trainer(self, tmp_path: Path) -> None:
        """Learning rate 1e-6, 16 tasks with 8 rollouts, temperature 1, clip 0.2 and 0.28, KL 1e-4."""
        pytest.importorskip("trl")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = grpo.settings(grpo.ORCHESTRATOR_8B, tmp_path)
        assert (made.learning_rate, made.num_generations, made.generation_batch_size) == (1e-6, 8, 128)
        assert (made.temperature, made.epsilon, made.epsilon_high, made.beta) == (1.0, 0.2, 0.28, 1e-4)

    def test_a_wish_to_save_weighs_cost_more(self) -> None:
        plain, saving, fast = (grpo.weights_of(Wish(prefer)) for prefer in ({}, {"cost": 0.5}, {"latency": 0.5}))
        assert saving.cost > plain.cost > 0
        assert fast.latency > plain.latency == 0


class TestFigures:
    def test_what_costs_more_than_allowed_is_not_solved(self) -> None:
        done = [Outcome(True, 0.001, 0.0, {"a": 3}), Outcome(True, 0.003, 0.0, {"b": 1})]
        assert [each.solved for each in within(done, 0.002)] == [True, False]
        assert shares(done) == {"a": 0.75, "b": 0.25}


def test_every_stage_runs_resumes_and_writes_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def python(code: str) -> str:
        """Runs a Python program without network and files, and returns what it prints."""
        return code

    class FewTools:
        records: Mapping[str, Record] = RECORDS

        def __init__(self, records: Mapping[str, Record], answers: Answers | None = None) -> None:
            self.made = [FunctionTool(python, price=0.0), FunctionTool(calculate, price=0.0)]

        def offered(self, task: Any) -> list[Tool]:
            return [task.task.database.lookup(), *self.made]

    pytest.importorskip("trl")
    monkeypatch.setattr(policy, "CHUNK", 24)
    monkeypatch.setattr(stages, "Shelf", FewTools)
    monkeypatch.setattr(stages, "recorded", lambda: RECORDS)
    plan = stages.Plan(MICRO, replace(grpo.rehearsal(grpo.Recipe()), tasks=2), 2)
    folder = stages.everything(tmp_path / "work", tmp_path / "models", plan, tmp_path / "models" / "other.safetensors")
    assert "On 2 tasks of the validation split" in (folder / "README.md").read_text()
    written = {file: file.read_bytes() for file in folder.iterdir()}
    assert folder == stages.everything(
        tmp_path / "work", tmp_path / "models", plan, tmp_path / "models" / "other.safetensors"
    )
    assert written == {file: file.read_bytes() for file in folder.iterdir()}
    assert (tmp_path / "work" / "rollouts" / "log.jsonl").read_text().count("\n") == 2
    rollouts = tmp_path / "work" / "rollouts"  # as after a kill in the last round, in the midst of a checkpoint
    (rollouts / "trained.safetensors").unlink()
    (rollouts / "checkpoint-4" / "trainer_state.json").unlink()
    stages.everything(tmp_path / "work", tmp_path / "models", plan, tmp_path / "models" / "other.safetensors")
    assert (rollouts / "log.jsonl").read_text().count("\n") == 2
    assert (folder / "model.safetensors").read_bytes() == written[folder / "model.safetensors"]
