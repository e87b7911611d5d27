"""ProcessBench's protocol and the figures of step scores, against hand calculations and the published tables."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.lab import metrics
from benchmarks.lab.solutions import Solution
from benchmarks.prm_eval import measure
from benchmarks.prm_eval.data import parse
from benchmarks.prm_eval.protocol import Subset, first_error, step_scores
from benchmarks.prm_eval.published import PUBLISHED
from benchmarks.stats.intervals import harmonic_mean
from tests.prm_eval.cases import Scored, apart, scored
from tts.errors import BadInput

FOUND = [(1, (0.9, 0.2, 0.9)), (0, (0.1, 0.1, 0.1)), (2, (0.9, 0.3, 0.1)), (-1, (0.9, 0.8, 0.7)), (-1, (0.9, 0.8, 0.4))]


def test_the_prediction_is_the_first_step_below_the_threshold() -> None:
    assert first_error((0.9, 0.4, 0.2), 0.5) == 1
    assert first_error((0.9, 0.6), 0.5) == -1
    assert first_error((0.5,), 0.5) == -1  # "above which steps are considered as correct": not below is enough


def test_accuracies_and_f1_by_hand() -> None:
    # At 0.5: erroneous solutions 1 and 2 are located, the third is put at step 1 and not 2: 2 of 3. Of the correct
    # ones the first passes and the second has a step at 0.4: 1 of 2. F1 = 2 (2/3) (1/2) / (2/3 + 1/2) = 4/7.
    found = measure({"mine": apart(FOUND)}).first_error["mine"]
    assert (found.erroneous, found.correct) == (3, 2)
    assert found.error_accuracy is not None
    assert found.error_accuracy.value == pytest.approx(2 / 3)
    assert found.correct_accuracy is not None
    assert found.correct_accuracy.value == pytest.approx(1 / 2)
    assert found.f1 is not None
    assert found.f1.value == pytest.approx(4 / 7)


# arXiv 2412.06559, tables 5 and 7: accuracy on erroneous and on correct samples, and F1.
PAPER = [
    (32.4, 91.7, 47.9), (33.8, 99.0, 50.4), (24.2, 98.4, 38.8), (50.2, 71.5, 59.0), (61.8, 82.9, 70.8),
    (53.1, 95.3, 68.2), (18.0, 82.0, 29.5), (43.8, 69.2, 53.6), (8.2, 43.1, 13.8), (35.7, 87.3, 50.7),
    (14.0, 41.9, 21.0), (29.8, 86.3, 44.3),
]  # fmt: skip


@pytest.mark.parametrize(("error", "correct", "f1"), PAPER)
def test_f1_is_the_one_of_the_papers_tables(error: float, correct: float, f1: float) -> None:
    assert harmonic_mean(error, correct) == pytest.approx(f1, abs=0.1)  # the table's own accuracies are rounded


def test_the_published_averages_are_the_means_of_their_rows() -> None:
    for name, (*subsets, average) in PUBLISHED.items():
        assert np.mean(subsets) == pytest.approx(average, abs=0.1), name


def test_a_score_file_that_hits_the_papers_counts_gives_the_papers_f1() -> None:
    # Skywork-PRM-7B on GSM8K: 61.8 % of 207 erroneous is 128, 82.9 % of 193 correct is 160; F1 70.8.
    hit, miss, passed, failed = (0, (0.1, 0.1)), (0, (0.9, 0.1)), (-1, (0.9, 0.9)), (-1, (0.9, 0.1))
    rows = apart([hit] * 128 + [miss] * 79 + [passed] * 160 + [failed] * 33)
    found = measure({"gsm8k": rows}, threshold=0.5).first_error["gsm8k"]
    assert found.f1 is not None
    assert round(100 * found.f1.value, 1) == 70.8


def reference_f1(rows: list[Scored], threshold: float) -> float:
    """The protocol once more, written as the paper says it, one solution at a time."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for case, scores in rows:
        below = [k for k, score in enumerate(scores) if score < threshold]
        hits[case.first_error == -1].append((below[0] if below else -1) == case.first_error)
    a, b = (sum(found) / len(found) for found in hits.values())
    return 2 * a * b / (a + b) if a + b else 0.0


def random_rows(count: int, seed: int) -> list[Scored]:
    draw = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        steps = int(draw.integers(1, 8))
        label = int(draw.integers(-1, steps))
        scores = draw.beta(4, 2, steps)
        scores[label:] *= 1.0 if label < 0 else 0.6
        rows.append((label, tuple(np.round(scores, 2).tolist())))  # rounded, so that there are ties
    return apart(rows)


def test_the_chosen_threshold_is_the_best_of_all() -> None:
    rows = random_rows(150, seed=1)
    report = measure({"gsm8k": rows})
    best = max(reference_f1(rows, k / 2000) for k in range(2001))
    assert report.threshold_from == "gsm8k"
    assert report.average is not None
    assert report.average.value == pytest.approx(best)
    assert reference_f1(rows, report.threshold) == pytest.approx(best)
    assert report.threshold_interval is not None
    assert report.threshold_interval.low <= report.threshold <= report.threshold_interval.high


def test_the_threshold_of_gsm8k_serves_the_other_subsets_and_the_average_is_over_subsets() -> None:
    # On gsm8k 0.3 to 0.6 separates all: the middle, 0.45, is taken; 0.5 would be as good, so the nearest to it is.
    gsm8k = apart([(0, (0.3,)), (-1, (0.6,))])
    math = apart([(0, (0.55,)), (-1, (0.9,)), (0, (0.1,)), (0, (0.2,))])
    report = measure({"gsm8k": gsm8k, "math": math})
    assert report.threshold == 0.5
    found = {name: value.f1.value for name, value in report.first_error.items() if value.f1}
    assert found == pytest.approx({"gsm8k": 1.0, "math": 2 * (2 / 3) / (2 / 3 + 1)})
    assert report.average is not None
    assert report.average.value == pytest.approx((1.0 + 0.8) / 2)
    # With a threshold of its own math would be perfect, and gsm8k is without 0.5 in reach.
    assert report.best_f1["math"] == 1.0
    low = measure({"gsm8k": apart([(0, (0.1,)), (-1, (0.3,))]), "math": math})
    assert low.threshold == pytest.approx(0.2)


def test_f1_of_many_subsets_follows_the_reference() -> None:
    data = {name: random_rows(80, seed) for seed, name in enumerate(("gsm8k", "math", "olympiadbench", "omnimath"))}
    report = measure(data)
    for name, rows in data.items():
        found = report.first_error[name]
        assert found.f1 is not None
        assert found.f1_half is not None
        assert found.f1.value == pytest.approx(reference_f1(rows, report.threshold))
        assert found.f1_half.value == pytest.approx(reference_f1(rows, 0.5))
        assert found.f1.low <= found.f1.value <= found.f1.high


def test_intervals_are_over_problems_not_over_solutions() -> None:
    # Five copies of each solution say nothing new, so the intervals stay what they were.
    rows = random_rows(40, seed=3)
    once, often = measure({"mine": rows}), measure({"mine": [row for row in rows for _ in range(5)]})
    for one, five in ((once.average, often.average), (once.steps.auc, often.steps.auc)):
        assert one is not None
        assert five is not None
        assert (five.value, five.low, five.high) == pytest.approx((one.value, one.low, one.high))
    assert once.average is not None
    assert once.average.high - once.average.low > 0.1


def test_a_file_with_solutions_of_one_kind_only_has_no_f1() -> None:
    report = measure({"gsm8k": apart([(0, (0.2,)), (0, (0.3,))])})
    found = report.first_error["gsm8k"]
    assert found.correct_accuracy is None
    assert found.f1 is None
    assert (report.threshold, report.threshold_from) == (0.5, "default")
    assert report.steps.auc is None
    assert "-" in report.text()


def test_solutions_that_were_not_read_are_counted_and_in_no_figure() -> None:
    rows = apart(FOUND)
    with_long = measure({"mine": [*rows, (rows[0][0], None)]})
    assert with_long.not_scored == {"mine": 1}
    assert with_long.solutions == 5
    assert with_long.first_error == measure({"mine": rows}).first_error
    assert "1 of mine: too long for the model" in with_long.text()
    with pytest.raises(BadInput, match="no solution fits"):
        measure({"mine": [(rows[0][0], None)]})


def test_step_scores_by_hand() -> None:
    # With `label` alone: steps before the first error are right, it is wrong, the last one is left out.
    # Scores of right steps 0.9, 0.6, 0.3; of the wrong one 0.5: 2 of 3 pairs in order.
    steps = step_scores([Subset(apart([(2, (0.9, 0.6, 0.5, 0.1)), (-1, (0.3,))]))])
    assert (steps.steps, steps.right) == (4, 0.75)
    assert steps.auc is not None
    assert steps.auc.value == pytest.approx(2 / 3)
    # Brier: (0.1^2 + 0.4^2 + 0.5^2 + 0.7^2) / 4; of always saying 0.75: 0.75 x 0.25.
    assert steps.brier is not None
    assert steps.brier.value == pytest.approx((0.01 + 0.16 + 0.25 + 0.49) / 4)
    assert steps.brier_base == pytest.approx(0.1875)
    # Four bins of one step each, off by 0.1, 0.4, 0.5 and 0.7.
    assert steps.ece is not None
    assert steps.ece.value == pytest.approx((0.1 + 0.4 + 0.5 + 0.7) / 4)
    assert [(b.low, b.steps, b.right) for b in steps.bins] == [(0.3, 1, 1), (0.5, 1, 0), (0.6, 1, 1), (0.9, 1, 1)]


def test_within_a_bin_errors_of_opposite_sign_cancel() -> None:
    # Three steps scored 0.8, two of them right: the bin is off by |0.8 - 2/3|; 1.0 belongs to the last bin.
    steps = step_scores([Subset(apart([(-1, (0.8, 0.8)), (0, (0.8,)), (-1, (1.0,))]))])
    assert steps.ece is not None
    assert steps.ece.value == pytest.approx((0.8 - 2 / 3) * 3 / 4)
    assert [(b.low, b.high, b.steps) for b in steps.bins] == [(0.8, 0.9, 3), (0.9, 1.0, 1)]


def test_all_steps_count_where_all_are_labelled() -> None:
    full = parse({"problem": "?", "steps": ["a", "b", "c"], "labels": [True, False, True]})
    steps = step_scores([Subset([(full, (0.9, 0.2, 0.1))])])
    assert steps.steps == 3
    assert steps.auc is not None
    assert steps.auc.value == 0.5  # 0.9 above 0.2, 0.1 below it


def test_the_laboratorys_cards_measure_the_same() -> None:
    rows = random_rows(60, seed=5)
    solutions = [Solution(case.problem, case.steps, tuple(bool(label) for label in case.labels)) for case, _ in rows]
    card = metrics.judging(solutions, [list(scores) for _, scores in rows])
    report = measure({"mine": rows})
    assert report.average is not None
    assert card["first-error F1"] == pytest.approx(report.average.value)


def test_a_threshold_outside_0_to_1_is_refused() -> None:
    with pytest.raises(BadInput, match="from 0 to 1, not 5"):
        measure({"mine": [scored(0, 0.2)]}, threshold=5)
