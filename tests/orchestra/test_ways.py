"""What demonstrations ask, by agreement and by the user's wish, and what is measured under a ceiling of dollars."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.orchestra import report
from benchmarks.orchestra.curve import ALLOWED, CEILINGS, OWN, curve
from benchmarks.orchestra.figures import Outcome
from benchmarks.orchestra.rollouts import Wish
from benchmarks.orchestra.stories import MixedTask, mixed
from benchmarks.orchestra.tools import CHEAP, Votes, votes
from benchmarks.orchestra.ways import Scene, Thrift, played, route, scene

ALL = ("python", "cheap", "dear")


def mostly(
    offered: Sequence[str], thrift: Thrift, printed: int, share: int, hopeless: bool = False
) -> list[tuple[str, ...]]:
    """Return what is asked most often where a program prints `printed`, and the cheap model answers 42."""
    found = Scene("print(40+2)", printed, printed == 42, (42, share), (42, 100), hopeless)
    draw = random.Random(0)
    counts = Counter(tuple(route(found, offered, thrift, draw)) for _ in range(200))
    way, times = counts.most_common(1)[0]
    assert times > 150
    return list(way)


def test_the_dear_model_is_asked_where_a_program_and_the_cheap_one_differ() -> None:
    nothing = Thrift()
    assert mostly(ALL, nothing, 42, 75) == [("python", "cheap")]
    assert mostly(ALL, nothing, 41, 100) == [("python", "cheap"), ("dear",)]
    assert mostly(("cheap", "dear"), nothing, 42, 75) == [("cheap",), ("dear",)]
    assert mostly(("python", "dear"), nothing, 41, 75) == [("python", "dear")]
    assert mostly(ALL, nothing, 41, 75, hopeless=True) == [("python",)]


def test_a_wish_decides_how_far_that_goes() -> None:
    slightly, cheaply, fast = (Thrift.of(wish) for wish in ({"cost": 0.2}, {"cost": 0.5}, {"latency": 0.5}))
    assert mostly(ALL, slightly, 41, 100) == [("python", "cheap")]
    assert mostly(ALL, slightly, 41, 50) == [("python", "cheap"), ("dear",)]
    assert mostly(ALL, cheaply, 41, 25) == [("python", "cheap")]
    assert mostly(ALL, fast, 41, 25) == [("python",)]
    assert mostly(("cheap", "dear"), fast, 41, 25) == [("cheap",)]


def test_a_task_that_no_offered_tool_solves_is_refused_and_not_tried_for_ever() -> None:
    [large] = [task for task in mixed("train", 4) if task.family == "large"]
    seen = [each for each in votes() if each.large and each.cheap_off and each.dear_off]
    with pytest.raises(ValueError, match="none of cheap, dear solves"):
        played(large, large.code, {(True, large.level): seen}, ("cheap", "dear"), Thrift(), random.Random(0))


def test_models_err_as_they_were_recorded_to_and_by_as_much() -> None:
    [story] = [task for task in mixed("train", 4) if task.family == "story"]
    answer, draw = story.task.answer, random.Random(0)

    def stated(cheap_off: int, dear_off: int) -> tuple[int, int]:
        seen = {(False, story.level): [Votes(False, story.level, cheap_off, 50, dear_off, 75)]}
        found = scene(story, story.code, seen, draw)
        assert (found.cheap[1], found.dear[1]) == (50, 75)
        return found.cheap[0], found.dear[0]

    assert stated(0, 20) == (answer, answer + 20)
    assert stated(7, 7) == (answer + 7, answer + 7)
    assert stated(-answer - 5, -answer) == (2 * answer + 5, 2 * answer)  # none is below one


def test_scenes_in_which_a_program_and_the_cheap_model_differ_are_shown_more_often() -> None:
    draw, seen = random.Random(0), defaultdict(list)
    for each in votes():
        seen[each.large, each.level].append(each)
    stories = [task for task in mixed("train", 160) if task.family == "story"]

    def differing(found: list[Scene]) -> float:
        return sum(each.printed != each.cheap[0] for each in found) / len(found)

    drawn = differing([scene(task, task.code, seen, draw) for task in stories for _ in range(5)])
    shown = differing([played(task, task.code, seen, ALL, Thrift(), draw)[0] for task in stories for _ in range(5)])
    assert 0.25 < drawn < shown - 0.15


class Spender(report.Stand):
    """Spends as many cheap calls on a task as its number, as far as they are paid for; one solves it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.runs: list[tuple[int, float | None]] = []

    def orchestrated(self, name: str, tasks: Sequence[MixedTask], wish: Wish | None = None) -> list[Outcome]:
        assert wish is not None
        self.runs.append((len(tasks), wish.max_cost))
        calls: list[Mapping[str, int]] = []
        for task in tasks:
            wanted = int(task.id.rpartition("-")[2])
            covered = wanted if wish.max_cost is None else int(wish.max_cost / 0.0001 + 0.5)
            calls.append({CHEAP: min(wanted, covered)})
        return [Outcome(each[CHEAP] > 0, each[CHEAP] * 1e-4, 0.0, each, 0, each[CHEAP] * 1e-4) for each in calls]


def test_each_point_of_a_curve_is_what_a_run_under_that_ceiling_does(tmp_path: Path) -> None:
    tasks, stand = mixed("train", 10), Spender(tmp_path)
    for ceiling in CEILINGS:
        found = stand.limited("any", tasks, "", ceiling)
        assert found == stand.orchestrated("any", tasks, Wish(max_cost=ceiling))
    stand.answers.close()
    assert (7, 0.00021) in stand.runs  # tasks 3 to 9 spent more under the higher ceiling
    assert [round(ceiling + OWN, 9) for ceiling in CEILINGS] == list(ALLOWED)


def test_what_a_curve_allows_covers_the_tokens_of_the_policy_too() -> None:
    solved = [Outcome(True, 0.0009, 0.0, {}), Outcome(True, 0.0026, 0.0, {})]
    shares = dict(zip(ALLOWED, (each.value for each in curve(lambda _: solved)), strict=True))
    assert (shares[0.0005], shares[0.001], shares[0.0025], shares[0.003]) == (0.0, 0.5, 0.5, 1.0)
