"""Names of strategies with parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bench.jobs import strategies_of
from benchmarks.calibrate.fit import Fit, Shape
from benchmarks.recordings.gather import read
from benchmarks.simulate.simulator import GradedSimulator, is_search, key_of
from tests.bench.toys import dataset, rows, toy_bench
from tests.selection.profiles import toy_profile
from tts.errors import BadInput, TTSError
from tts.search.strategy import parameters_of
from tts.search.variant import name_of, split
from tts.selection.profile_file import load, save


def test_a_name_is_read_back_as_the_parameters_it_was_made_of() -> None:
    own = {"granularity": 2, "beam_width": 8}
    assert split("dvts") == ("dvts", {})
    assert name_of("dvts", parameters_of("dvts") | own) == "dvts:beam_width=8:granularity=2"
    assert split("dvts:beam-width=8:granularity=2") == ("dvts", own)
    assert split("reject-early:alpha=0.25:refill=true") == ("reject-early", {"alpha": 0.25, "refill": True})
    assert name_of("reject-early", {"refill": True, "chunk": 4}) == "reject-early:refill=true"
    assert name_of(*split("deepconf:eta=50:warmup=4")) == "deepconf:eta=50:warmup=4"


def test_settings_of_a_whole_run_are_not_in_the_name() -> None:
    assert name_of("dvts", {"temperature": 0.3, "aggregate": "min", "max_steps": 3}) == "dvts"
    assert name_of("of another package", {"alpha": 1}) == "of another package"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dvst:granularity=2", "did you mean 'dvts'"),
        ("dvts:granularty=2", "did you mean 'granularity'"),
        ("dvts:granularity", "gives granularity no value: write dvts:granularity=1"),
        ("dvts:granularity=2.5", "granularity must be a whole number, not '2.5'"),
        ("reject-early:alpha=half", "alpha must be a number, not 'half'"),
        ("reject-early:refill=1", "refill must be true or false, not '1'"),
        ("best-of-n:temperature=1", "shares its samples with other strategies"),
    ],
)
def test_a_wrong_name_is_one_sentence(name: str, message: str) -> None:
    with pytest.raises(TTSError) as caught:
        strategies_of(name, with_prm=True)
    assert message in str(caught.value)


def test_equal_variants_are_run_once() -> None:
    assert strategies_of("dvts,dvts:granularity=1,DVTS:granularity=02", with_prm=True) == ["dvts", "dvts:granularity=2"]


def test_a_run_holds_a_strategy_and_its_variant_and_a_pool_keeps_both(tmp_path: Path) -> None:
    strategies = ("best-of-n", "beam-search", "beam-search:granularity=2")
    with toy_bench(tmp_path / "run", strategies=strategies, budgets=(4,)) as run:
        run.run()
    found = {row["job"]: row["plan"] for row in rows(tmp_path / "run")}
    assert found["beam-search:granularity=2/4"]["parameters"]["granularity"] == 2
    assert found["beam-search/4"]["parameters"]["granularity"] == 1
    pool = read([tmp_path / "run"])
    assert set(pool.parameters) == {("beam-search", 4), ("beam-search:granularity=2", 4)}
    entry = pool.entries[0]
    costs = [entry.searches[key][0].prm_flops for key in pool.parameters]
    assert min(costs) > 0


def test_a_value_out_of_range_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="granularity must be a whole number, 1 or more"):
        toy_bench(tmp_path / "run", strategies=["dvts:granularity=0"])


def test_a_profile_holds_each_variant_as_a_move_with_its_parameters(tmp_path: Path) -> None:
    strategies = ("best-of-n", "beam-search", "beam-search:granularity=2", "reject-early:chunk=1")
    with toy_bench(tmp_path / "run", data=dataset(6), strategies=strategies, budgets=(2, 4)) as run:
        run.run()
    fit = Fit(GradedSimulator.of(read([tmp_path / "run"]), orders=2), shape=Shape(searches=True))
    save(toy_profile(stages=fit.stages()), tmp_path / "toy.json")
    searches = [ending for ending in load(tmp_path / "toy.json").stages[0].endings if is_search(ending)]
    assert {(*key_of(ending), ending.strategy) for ending in searches} == {
        (f"{name}", n, name.partition(":")[0]) for name in strategies[1:] for n in (2, 4)
    }
    coarse = next(ending for ending in searches if ending.parameters.get("granularity") == 2)
    assert coarse.flops[0] > 0
    assert coarse.parameters["beam_width"] == 4
