"""Searches against the weighted vote of as many FLOPs: cells, replays and gains."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.datasets import dataset
from benchmarks.recordings.gather import read
from benchmarks.report.svg import svg
from benchmarks.stats.intervals import Interval
from benchmarks.study import plan, search_table, searches
from benchmarks.study.compare import Point
from benchmarks.study.gain_plot import GainPanels
from benchmarks.study.search_gains import Gain, Row, base_of, compared, groups, rows
from benchmarks.study.search_replay import Samples, replay_of, replayed
from benchmarks.study.search_runs import SAMPLES, Cell, Grid
from benchmarks.word_problems.generate import DATA
from tests.bench.toys import toy_bench
from tests.toy import ToyPolicy
from tts.records import outcomes
from tts.types import Problem

GRID = Grid("lab-500", (3, 4, 5), ("lab-200k", "lab-1m"), ("dvts", "reject-early"), (4, 16), 2, 64)


def test_narrow_searches_of_all_policies_come_first_and_hard_levels_before_the_others() -> None:
    first, *rest = list(GRID.cells())
    assert (first.search, first.n, first.levels) == (SAMPLES, 64, (4, 5))
    assert [cell.n for cell in rest if cell.search == "dvts" and cell.seed == 0] == [4] * 4 + [16] * 4
    assert len({cell.name for cell in GRID.cells()}) == 2 * (2 * 2 + 2 * 2 * 2 * 2)
    assert {item.level for item in Cell("lab-500", (4, 5), "lab-1m", "dvts", 4, 0, 150).problems().items} == {4, 5}


def test_runs_of_the_validation_split_go_on_in_folders_that_name_its_file() -> None:
    """A run folder is refused for other problems, not for another source: the hash decides."""
    file = dataset.read(DATA / "lab-validation.jsonl")
    assert Cell("lab-validation", (4, 5), "lab-1m", "dvts", 4, 0).problems().sha256 == file.sha256
    assert plan.Run("val", "lab-1m", plan.KINDS[0], 0).data().sha256 == file.sha256


def samples(folder: Path, n: int = 8) -> tuple[list[Samples], dict[str, outcomes.Outcome]]:
    with toy_bench(folder, strategies=[SAMPLES], budgets=[n]) as run:
        run.run()
    rows = {Problem(row.problem).id: row for row in outcomes.read(outcomes.file_of(folder))}
    return [Samples.of(entry, rows[entry.id]) for entry in read([folder]).entries], rows


def test_a_replay_of_every_sample_is_the_run(tmp_path: Path) -> None:
    found, rows = samples(tmp_path / "run")
    keep_all, majority = replay_of("reject-early:alpha=0"), replay_of("majority")
    assert keep_all is not None
    assert majority is not None
    for each in found:
        row = rows[each.entry.id]
        right, flops = replayed(each, keep_all, 8, orders=2)
        assert right == row.correct
        assert flops == pytest.approx(row.usage.flops)
        assert replayed(each, majority, 8, orders=2)[1] == pytest.approx(row.usage.policy_flops)


def test_a_stopped_sample_costs_the_steps_it_has_and_its_rest_is_lost(tmp_path: Path) -> None:
    """The toy's steps have 3 characters, three of them and the answer's 9 or 10 make a solution."""
    found, rows = samples(tmp_path / "run")
    for each in found:
        entry, order = each.entry, np.arange(8)
        policy, prm = each.flops(order, np.ones(8, dtype=np.int64))
        sampled = rows[entry.id].usage.policy_flops - entry.policy_prompt_flops
        assert policy - entry.policy_prompt_flops == pytest.approx(sampled * 3 / 18, rel=0.06)
        firsts = {candidate.steps[0] for candidate in rows[entry.id].candidates}  # the reward model reads each once
        read_ = rows[entry.id].usage.prm_flops - entry.prm_prompt_flops
        distinct = {c.steps[: k + 1] for c in rows[entry.id].candidates for k in range(len(c.steps))}
        characters = sum(len(steps[-1]) for steps in distinct)
        assert prm - entry.prm_prompt_flops == pytest.approx(read_ * 3 * len(firsts) / characters, rel=0.01)


def test_rejection_costs_less_than_all_samples_and_finds_nothing_that_they_lack(tmp_path: Path) -> None:
    found, rows = samples(tmp_path / "run")
    half = replay_of("reject-early:chunk=1")
    assert half is not None
    for each in found:
        right, flops = replayed(each, half, 8, orders=4)
        assert flops < 0.7 * rows[each.entry.id].usage.flops
        assert right <= float(any(rows[each.entry.id].right))


def test_searches_that_branch_or_draw_more_samples_are_run() -> None:
    assert replay_of("dvts") is None
    assert replay_of("reject-early:refill=true") is None
    assert replay_of("adaptive-consistency") is not None


def test_the_gain_is_over_the_vote_at_the_cost_of_the_search() -> None:
    # The vote is right in 50 % at 1e9 FLOPs and in 70 % at 1e11, so in 60 % at the search's 1e10.
    votes = [Point("1", np.full(10, 0.5), np.full(10, 1e9)), Point("2", np.full(10, 0.7), np.full(10, 1e11))]
    search = Point("s", np.array([1.0] * 7 + [0.0] * 3), np.full(10, 1e10))
    found = compared(search, votes, 200)
    assert found.right.value == pytest.approx(0.7)
    assert found.vote == pytest.approx(0.6)
    assert found.gain is not None
    assert found.gain.value == pytest.approx(0.1)
    assert found.gain.low < 0.1 < found.gain.high
    assert compared(Point("s", np.ones(10), np.full(10, 1e8)), votes, 20).gain is None  # cheaper than any vote


def test_the_verdict_counts_what_chance_would_give() -> None:
    def row(search: str, policy: str, low: float) -> Row:
        gain = Gain(9, 1e9, Interval(0.6, 0.5, 0.7), 0.5, Interval(0.1, low, 0.2))
        return Row(policy, search, 16, {"levels 3,4,5": gain, "levels 4,5": gain})

    rows = [row("dvts", "lab-1m", 0.01), row("dvts", "lab-4m", 0.02), row("rebase", "lab-1m", -0.01)]
    text = searches.verdict(rows)
    assert "2 of 3 intervals are above zero; 0.1 would be if no search gained anything" in text
    assert "dvts: lab-1m at N = 16, lab-4m at N = 16" in text
    assert "rebase" not in text
    assert searches.verdict([]) == "No gain on levels 4 and 5 was measured."


def test_the_axis_is_linear_and_holds_zero_and_every_interval() -> None:
    chart = GainPanels({"dvts": {"lab-1m": {4: Interval(-0.04, -0.08, 0.01)}}}, "points")
    assert chart.range() == (-10.0, 5.0)
    assert GainPanels({"dvts": {"lab-1m": {4: Interval(0.04, 0.02, 0.21)}}}, "points").range() == (-5.0, 25.0)


def test_the_figure_has_a_panel_for_each_search_and_fills_marks_whose_interval_leaves_zero_out() -> None:
    above, over = Interval(0.04, 0.02, 0.06), Interval(0.01, -0.01, 0.03)
    gains = {"dvts": {"lab-1m": {4: above, 16: over}, "lab-4m": {16: above}}, "rebase": {"lab-4m": {256: over}}}
    drawn = svg(GainPanels(gains, "points"), "gains", alone=True)
    for words in ("dvts", "rebase", "N = 4", "N = 16", "N = 256", "lab-1m, dvts, N = 4: +4.0 points [+2.0, +6.0]"):
        assert words in drawn
    figure = GainPanels(gains, "points").draw()
    marks = [line for axes in figure.figure.axes for line in axes.lines if (line.get_gid() or "").startswith("tip")]
    assert len(marks) == 4
    assert sorted(line.get_markerfacecolor() == line.get_color() for line in marks) == [False, False, True, True]


def test_what_was_run_is_compared_and_what_is_missing_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "--levels", "3,4,5", "--limit", "2", "--policies", "lab-200k", "--searches", "dvts,rebase,reject-early",
        "--budget", "4", "--samples", "4", "--seeds", "1",
        "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--no-run",
    ]  # fmt: skip
    assert searches.main(command) == 2
    assert "has no complete samples of lab-200k" in capsys.readouterr().err
    grid = searches.grid_of(searches.parser().parse_args(command))
    for search in (SAMPLES, "dvts"):
        for cell in grid.of("lab-200k", search, 4, 0):
            policy = ToyPolicy(context=10_000)
            folder = tmp_path / "runs" / cell.name
            with toy_bench(folder, policy=policy, data=cell.problems(), strategies=[search], budgets=[4]) as run:
                run.run()
    assert searches.main(command) == 0
    table = capsys.readouterr().out
    assert "level 4 (2 problems), N = 4" in table
    assert "levels 4,5 (4 problems), N = 4" in table
    assert "levels 3,4,5 (6 problems), N = 4" in table
    assert "| `dvts` |" in table
    assert "| `reject-early` |" in table
    assert "rebase" not in table
    assert "3 of 9 runs have not begun" in table
    found = json.loads((tmp_path / "out" / "searches.json").read_text())
    assert found["data"] == "lab-500"
    assert [row["search"] for row in found["rows"]] == ["dvts", "reject-early"]
    assert {row["gains"]["levels 3,4,5"]["problems"] for row in found["rows"]} == {6}
    assert (tmp_path / "out" / "searches.svg").read_text().startswith("<svg")
    assert searches.main([*command[:-1], "--dry-run"]) == 0
    assert "3 of 9 runs have not begun" in capsys.readouterr().out
    empty = [*command, "--runs", str(tmp_path / "none"), "--join", str(tmp_path / "out" / "searches.json")]
    assert searches.main(empty) == 0  # the earlier table needs no runs
    assert capsys.readouterr().out.replace("9 of 9", "3 of 9") == table


def test_a_table_is_read_as_it_was_written_and_later_rows_replace_earlier_ones(tmp_path: Path) -> None:
    gain = Gain(9, 1e9, Interval(0.6, 0.5, 0.7), 0.5, Interval(0.1, -0.01, 0.2), 3)
    cheap = Gain(9, 1e6, Interval(0.6, 0.5, 0.7), None, None)
    early = [Row("lab-4m", "dvts", 4, {"level 4": gain}), Row("lab-1m", "dvts", 16, {"level 4": gain, "level 5": gain})]
    search_table.write(tmp_path / "t.json", search_table.Table("lab-500", tuple(early)))
    assert search_table.read(tmp_path / "t.json") == search_table.Table("lab-500", tuple(early))
    later = [Row("lab-1m", "dvts", 16, {"level 5": cheap}), Row("lab-1m", "rebase", 4, {"level 4": cheap})]
    assert search_table.joined(early, later) == [
        Row("lab-1m", "dvts", 16, {"level 4": gain, "level 5": cheap}),
        Row("lab-1m", "rebase", 4, {"level 4": cheap}),
        Row("lab-4m", "dvts", 4, {"level 4": gain}),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is not a table of searches"),
        ('{"data": "lab-500", "rows": [{"policy": "lab-1m"}]}', "is not a table of searches"),
        ("{", "is not JSON"),
        ('{"data": "lab-hard", "rows": []}', "is a table of lab-hard, not of lab-500"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_runs(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.json").write_text(text)
    assert searches.main(["--runs", str(tmp_path / "runs"), "--join", str(tmp_path / "t.json")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_seeds_whose_problems_ended_in_another_order_are_paired_by_problem(tmp_path: Path) -> None:
    grid = Grid("lab-500", (4,), ("lab-200k",), ("dvts",), (4,), 2, 4, 3)
    for seed in range(2):
        [cell] = grid.of("lab-200k", SAMPLES, 4, seed)
        data = cell.problems()
        with toy_bench(
            tmp_path / cell.name, policy=ToyPolicy(context=10_000), data=data, strategies=[SAMPLES], budgets=[4]
        ) as run:
            run.run()
        file = outcomes.file_of(tmp_path / cell.name)
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[::-1] if seed else lines))
    first, second = (base_of(tmp_path, grid, "lab-200k", seed) for seed in range(2))
    assert first is not None
    assert second is not None
    assert first.ids == second.ids
    assert [each.entry.id for each in first.samples] == [each.entry.id for each in second.samples]


def test_levels_that_were_not_run_leave_their_groups_out(tmp_path: Path) -> None:
    grid = Grid("lab-500", (3, 4), ("lab-200k",), ("reject-early",), (4,), 1, 4, 2)
    cell = next(cell for cell in grid.of("lab-200k", SAMPLES, 4, 0) if cell.levels == (4,))
    with toy_bench(
        tmp_path / cell.name, policy=ToyPolicy(context=10_000), data=cell.problems(), strategies=[SAMPLES], budgets=[4]
    ) as run:
        run.run()
    [row] = rows(tmp_path, grid, 20)
    assert list(row.gains) == ["level 4"]
    text = searches.printed(grid.data, [row])
    assert "level 4 (2 problems), N = 4" in text
    assert "levels 3,4" not in text
    assert groups((1, 4, 5)) == [(1, 4, 5), (4, 5), (1,), (4,), (5,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policies", "lab-9"], "lab-9 is not a built-in policy"),
        (["--data", "math500"], "--data is one of lab-validation, lab-500, lab-hard, not math500."),
        (["--levels", "hard"], "a list of numbers"),
        (["--levels", "9"], "has no level 9"),
        (["--searches", "dvst"], "did you mean 'dvts'"),
        (["--searches", "dvts:granularity=x"], "must be a whole number"),
        (["--samples", "0"], "--samples must be 1 or more"),
        (["--budget", "x"], "list of whole numbers"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert searches.main(arguments) == 2
    assert message in capsys.readouterr().err
