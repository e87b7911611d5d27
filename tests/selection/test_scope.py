"""The scope of a policy: probabilities before and after sampling, marks, and files."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command_line import MIA
from tts.errors import BadInput
from tts.files import json_text
from tts.models.files import BUILT_IN
from tts.search.scoping import sentence
from tts.selection.estimator import Estimator
from tts.selection.explain import without_rates
from tts.selection.features import Evidence
from tts.selection.scope.scope import Scope, answer_features, likelihood_features, names
from tts.selection.scope.scope_file import NAME, as_row, load, of_folder, of_row, save
from tts.selection.scope.text import TEXT_FEATURES, Reference, numbers, tokens
from tts.types import Scoped

TEXTS = ["Tom has 5 eggs.", "Tom has 7 eggs.", "How many eggs has Tom?"]


@pytest.fixture(scope="module")
def shipped() -> Scope:
    scope = of_folder(BUILT_IN / "lab-1m")
    assert scope is not None
    return scope


def test_numbers_are_alike_and_words_in_lower_case() -> None:
    assert tokens("Tom paid $1,200 for 2.5 kg.") == ["tom", "paid", "$", "#", "for", "#.#", "kg", "."]
    assert numbers("1,200 and 2.5") == [1200.0, 2.5]
    assert numbers("1" * 400) == [1e300]


def test_a_text_of_the_reference_has_nothing_new() -> None:
    found = Reference.of(TEXTS).features("Tom has 6 eggs.")
    assert {name: found[name] for name in ("unknown", "pairs", "triples", "long", "symbols", "large")} == dict.fromkeys(
        ("unknown", "pairs", "triples", "long", "symbols", "large"), 0.0
    )


def test_features_count_what_is_new() -> None:
    found = Reference.of(TEXTS).features("Tom has 70 zebras!")
    assert found["unknown"] == 1 / 3  # zebras, of tom, has and zebras
    assert found["pairs"] == 0.0  # (start, tom), (tom, has) and (has, number) are known; the others hold a new token
    assert found["symbols"] == 1 / 5  # the exclamation mark
    assert found["large"] == 1.0  # 70 has one digit more than 7: log10(70 / 7)


def test_a_new_order_of_known_words_is_new() -> None:
    assert Reference.of(TEXTS).features("eggs 5 has Tom.")["pairs"] > 0.5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("What is the capital of France?", "no number"),
        (MIA.replace("17", "17000"), "above 9,756"),
        (MIA.replace("17", "1.5"), "decimals"),
        ("Grandfather polishes 7 antique trombones.", "words that are new"),
    ],
)
def test_what_lies_outside_has_a_reason(shipped: Scope, text: str, reason: str) -> None:
    assert any(reason in each for each in shipped.reference.reasons(text))


def test_the_text_alone_tells_a_story_from_a_theorem(shipped: Scope) -> None:
    inside, outside = shipped.look(MIA), shipped.look("Prove that $\\sqrt{2}$ is irrational.")
    assert inside is not None
    assert not inside.outside
    assert (inside.before or 0) > 0.9
    assert outside is not None
    assert outside.outside
    assert outside.before is not None
    assert outside.before < 0.1
    assert inside.basis == "text"
    assert inside.right is None


def test_the_second_stage_takes_the_first_as_log_odds() -> None:
    text = "Tom has 5 eggs."
    scope = Scope(
        "p", "", Reference.of(TEXTS), before=Estimator(math.log(3), {}),
        inside={"samples": Estimator(0.0, {"text": 2.0})}, right={"samples": Estimator(0.0, {"text": 1.0})},
    )  # fmt: skip
    found = scope.judge(text, answer_features(Evidence([0], None, [3], 4), None), None)
    assert found is not None
    assert (found.before, found.inside, found.right) == (0.75, 0.9, 0.75)  # odds of 3, of 3 squared, and of 3
    assert not found.outside
    assert found.basis == "text, samples"
    assert replace(scope, threshold=0.95).judge(text, {}, None) is not None


def test_what_is_marked_as_out_of_scope_is_at_most_as_likely_right_as_in_scope() -> None:
    scope = Scope(
        "p", "", Reference.of(TEXTS), before=Estimator(0.0, {}),
        inside={"samples": Estimator(math.log(0.25), {})}, right={"samples": Estimator(math.log(4), {})},
    )  # fmt: skip
    features = answer_features(Evidence([0], None, [3], 4), None)
    marked, unmarked = (replace(scope, threshold=t).judge("Tom has 5 eggs.", features, None) for t in (0.5, 0.1))
    assert marked is not None
    assert unmarked is not None
    assert (marked.inside, marked.right, marked.outside) == (0.2, 0.2, True)  # odds of a quarter
    assert (unmarked.inside, unmarked.right, unmarked.outside) == (0.2, 0.8, False)  # and of four


def test_more_samples_of_the_same_shares_move_no_problem_out_of_scope(shipped: Scope) -> None:
    """The log odds of three quarters are 1.02 of 16 samples and 1.09 of 256, those of none -3.5 and -6.2."""
    few, many = (answer_features(Evidence([0, 0, 0, 1] * n, None, [20, 22, 24, 30] * n, 30), None) for n in (4, 64))
    found = shipped.judge(MIA, many, None, few)
    assert found is not None
    alone, grown = shipped.judge(MIA, few, None), shipped.judge(MIA, many, None)
    assert alone is not None
    assert grown is not None
    assert found.inside == alone.inside != grown.inside
    assert found.right == grown.right


@pytest.mark.parametrize(
    ("outside", "right", "marked", "said"),
    [
        (False, 0.5, False, ""),
        (False, None, False, ""),
        (False, 0.35, True, "probably wrong, p is right in 35% of such cases: try another."),
        (True, 0.9, True, "probably wrong, the problem looks unlike those that p knows: try another."),
    ],
)
def test_an_answer_is_marked_out_of_scope_or_where_it_is_more_likely_wrong_than_right(
    outside: bool, right: float | None, marked: bool, said: str
) -> None:
    found = Scoped(0.9, 0.9, right, outside, "text, samples")
    assert found.doubtful == marked
    if marked:
        scope = Scope("p", "", Reference.of(TEXTS), advice="try another.")
        assert sentence("p", scope, found) == said


def test_scores_are_wanted_from_the_reward_model_that_the_scope_was_fitted_with(shipped: Scope) -> None:
    assert shipped.wants_scores("lab-prm")
    assert not shipped.wants_scores("another")
    assert not replace(shipped, inside={}).wants_scores("lab-prm")


def test_without_likelihood_the_kind_without_it_decides(shipped: Scope) -> None:
    evidence = Evidence([0, 0], [0.9, 0.8], [20, 20], 30)
    features = answer_features(evidence, 0.7)
    without = shipped.judge(MIA, features, None)
    known = shipped.judge(MIA, features, likelihood_features([0.1] * 60, 30))
    assert without is not None
    assert without.basis == "text, scores"
    assert known is not None
    assert known.basis == "text, scores, likelihood"


def test_likelihood_parts_prompt_and_solution() -> None:
    found = likelihood_features([1.0, 3.0, 0.5, 0.5, 2.0], 3)  # two values of the prompt, three of the solution
    assert found["read"] == 2.0
    assert found["sure"] == pytest.approx(math.log(1e-4 + 1.0))
    assert found["doubt"] == pytest.approx(math.log(1e-4 + 2.0))


def test_a_scope_file_reads_as_written(tmp_path: Path, shipped: Scope) -> None:
    save(shipped, tmp_path / NAME)
    again = load(tmp_path / NAME)
    assert as_row(again) == as_row(shipped)
    assert (tmp_path / NAME).read_bytes() == (BUILT_IN / "lab-1m" / NAME).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"reference": {}},
        {"before": {"bias": 0, "weights": {"colour": 1.0}}},
        {"inside": {"scores": {"bias": "high", "weights": {}}}},
        {"right": {"dreams": {"bias": 0, "weights": {}}}},
    ],
)
def test_a_damaged_scope_is_refused_in_one_sentence(tmp_path: Path, shipped: Scope, change: dict[str, object]) -> None:
    row = json_text.read(BUILT_IN / "lab-1m" / NAME) | change
    (tmp_path / NAME).write_text(json_text.dump(row))
    with pytest.raises(BadInput, match=NAME):
        load(tmp_path / NAME)


def test_limits_alone_name_what_is_far() -> None:
    scope = replace(of_row(as_row(Scope("p", "", Reference.of(TEXTS), limits={"unknown": 0.5, "long": 0.0}))))
    assert scope.look("Tom") is None
    assert scope.far("Tom has 5 eggs.") == ()
    assert scope.far("Zebras graze quietly.") == ("unknown",)


def test_a_reason_loses_the_rates_of_the_profile() -> None:
    reason = (
        "after the scored greedy answer (pass@1 about 91 % [67, 100]), stop: 97 % [90, 99] right for 2.5e+09 FLOPs, "
        "by the profile lab-1m+lab-prm"
    )
    assert without_rates(reason) == "after the scored greedy answer, stop, by the profile lab-1m+lab-prm"


def test_every_kind_has_known_features() -> None:
    assert {"text", "winner", "least", "sure"} <= set(names("scores+likelihood"))
    assert "winner" not in names("samples+likelihood")
    assert len(TEXT_FEATURES) == 9


def test_looking_needs_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from tts.selection.scope.scope_file import of_folder; from tts.models.files import BUILT_IN; "
        "of_folder(BUILT_IN / 'lab-1m').look('x'); print({'torch', 'transformers', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
