"""The reward and the tasks of the small orchestration benchmark."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from benchmarks.orchestra.reward import Rollout, Weights, kept, rewards
from benchmarks.orchestra.tasks import (
    LEVELS,
    SPLITS,
    Database,
    Task,
    execute,
    tasks,
)
from benchmarks.orchestra.words import HELD_OUT_DOMAIN, HELD_OUT_TOOL
from tts.errors import BadInput
from tts.tools.toolbox import Place, Toolbox
from tts.types import Call, Problem

WEIGHTS = Weights(1.0, 0.5, 0.5, {"lookup": 0.5})
ROLLOUTS = some.builds(
    Rollout,
    some.booleans(),
    some.floats(0, 9),
    some.floats(0, 9),
    some.fixed_dictionaries({"lookup": some.integers(0, 5)}),
)
GROUPS = some.lists(ROLLOUTS, min_size=2, max_size=5)


class TestReward:
    def test_a_group_by_hand(self) -> None:
        """Costs 1, 2, 3 scale to 1, 0.5, 0; weights 1 and 0.5 give (1 + 0.5 x) / 1.5."""
        group = [Rollout(True, 1.0), Rollout(True, 2.0), Rollout(True, 3.0), Rollout(False, 1.0)]
        assert rewards(group, Weights(1.0, 0.5)) == pytest.approx([1.0, 1.25 / 1.5, 1.0 / 1.5, 0.0])

    @given(GROUPS, some.floats(0.01, 9), some.sampled_from(["cost", "seconds"]))
    def test_a_reward_never_rises_with_cost_or_latency(self, group: list[Rollout], more: float, what: str) -> None:
        value = group[0].cost if what == "cost" else group[0].seconds
        dearer = [replace(group[0], **{what: value + more}), *group[1:]]  # type: ignore[arg-type]
        assert rewards(dearer, WEIGHTS)[0] <= rewards(group, WEIGHTS)[0] + 1e-9

    @given(GROUPS)
    def test_solving_and_a_preferred_tool_never_lower_a_reward(self, group: list[Rollout]) -> None:
        solved = [replace(group[0], solved=True), *group[1:]]
        assert rewards(solved, WEIGHTS)[0] >= rewards(group, WEIGHTS)[0]
        used = [replace(solved[0], calls={"lookup": solved[0].calls["lookup"] + 1}), *group[1:]]
        assert rewards(used, WEIGHTS)[0] >= rewards(solved, WEIGHTS)[0] - 1e-9
        assert all(0 <= reward <= 1 + 1e-9 for reward in rewards(group, WEIGHTS))

    def test_a_group_that_teaches_nothing_is_left_out(self) -> None:
        """Its rewards become equal, so that none has an advantage; the standard deviations are 0.5 and 0.05."""
        assert kept([1.0, 0.0]) == [1.0, 0.0]
        assert kept([1.0, 0.9]) == pytest.approx([0.95, 0.95])

    def test_weights_that_make_no_sense_are_refused(self) -> None:
        for outcome, cost in ((0.0, 0.0), (1.0, -1.0)):
            with pytest.raises(BadInput):
                Weights(outcome, cost)


class TestTasks:
    def test_a_program_yields_its_answer_through_the_tools_that_a_policy_calls(self) -> None:
        for task in tasks("tool", 10):
            box, results = Toolbox(task.tools()), list[int]()
            for step in task.program:
                given = {n: results[int(v[1:])] if str(v).startswith("#") else v for n, v in step.arguments.items()}
                result = asyncio.run(box.use(Place(Problem("q"), "/0", 0), Call(step.tool, given)))
                results.append(int(result.text))
            assert results[-1] == task.answer == execute(task.program, task.database)

    def test_difficulty_is_the_number_of_calls(self) -> None:
        assert [len(task.program) for task in tasks("train", 10)] == [*LEVELS, *LEVELS]

    def test_splits_share_no_database_and_hold_out_a_domain_and_a_tool(self) -> None:
        found: dict[str, list[Task]] = {split: tasks(split, 60) for split in SPLITS}
        homes = {split: {(t.database.domain, t.database.seed) for t in found[split]} for split in SPLITS}
        assert all(homes[a].isdisjoint(homes[b]) for a in SPLITS for b in SPLITS if a != b)
        domains = {split: {task.database.domain for task in found[split]} for split in SPLITS}
        assert domains["domain"] == {HELD_OUT_DOMAIN}
        assert all(HELD_OUT_DOMAIN not in domains[split] for split in SPLITS if split != "domain")
        uses = {split: {step.tool for task in found[split] for step in task.program} for split in SPLITS}
        assert [split for split in SPLITS if HELD_OUT_TOOL in uses[split]] == ["tool"]
        assert all(tool.name != HELD_OUT_TOOL for task in found["train"][:5] for tool in task.tools())

    def test_the_same_seed_gives_the_same_tasks_and_no_answer_is_in_its_question(self) -> None:
        assert tasks("train", 20, 1) == tasks("train", 20, 1) != tasks("train", 20, 2)
        assert Database.made("shops", 3) == Database.made("shops", 3)
        assert all(str(task.answer) not in task.question.split() for task in tasks("train", 50))


def test_more_sums_than_a_split_has_are_refused_and_not_looked_for_for_ever() -> None:
    """The held-out table has 10 things with 2 columns, so 20 different questions of the first level."""
    assert len(tasks("domain", 90)) == 90
    with pytest.raises(BadInput, match="no 120 different sums"):
        tasks("domain", 120)
