"""The published rule, row by row as its source gives it (arXiv 2502.06703's author, issue 4 of its repository)."""

from __future__ import annotations

import pytest

from tts import Solver
from tts.models.lookup import CARDS
from tts.selection.published_rule import agreement, rule, settled_confidence

B = "best-of-n"
BEAM = "beam-search"


@pytest.mark.parametrize(
    ("policy", "dataset", "strategies"),
    [
        ("llama-3.2-1b", "math500", (B, BEAM, BEAM)),
        ("qwen2.5-3b", "", (B, BEAM, BEAM)),
        ("qwen2.5-7b", "math500", ("dvts", "dvts", BEAM)),
        ("llama-3.1-8b", "math500", ("dvts", "dvts", BEAM)),
        ("qwen2.5-32b", "math500", ("dvts", "dvts", BEAM)),
        ("qwen2.5-72b", "math500", (B, B, B)),
        ("qwen2.5-7b", "aime24", ("dvts", "dvts", "dvts")),
        ("qwen2.5-14b", "aime24", (B, B, B)),
    ],
)
def test_the_table(policy: str, dataset: str, strategies: tuple[str, ...]) -> None:
    found = rule(CARDS[policy].parameters, "qwen", prm="qwen2.5-math-prm-7b", dataset=dataset)
    assert (found.easy, found.medium, found.hard) == strategies


@pytest.mark.parametrize(
    ("policy", "prm", "strategy"),
    [
        ("llama-3.2-3b", "math-shepherd", B),
        ("llama-3.2-3b", "rlhflow-mistral", B),
        ("llama-3.2-3b", "skywork-1.5b", BEAM),
        ("llama-3.2-3b", "h4-1.5b", B),  # in no study
        ("llama-3.2-3b", None, "majority"),
        ("r1-distill-qwen-7b", "auto", "majority"),
        ("r1-distill-qwen-7b", "skywork-7b", B),
        ("qwen2.5-math-1.5b", "qwen2.5-math-rm-72b", B),  # it judges whole solutions
    ],
)
def test_the_reward_model_decides_whether_a_search_pays(policy: str, prm: str | None, strategy: str) -> None:
    plan = Solver(policy, prm).plan
    assert (plan.strategy, plan.parameters["hard"]) == ("auto", strategy)


def test_agreement_is_the_share_of_pairs_that_agree() -> None:
    assert agreement([0, 0, 0, 0]) == 1.0
    assert agreement([0, 0, 0, 1]) == 3 / 6
    assert agreement([0, 0, 1, 1]) == 2 / 6
    assert agreement([0, 0, 1, 2]) == 1 / 6
    assert agreement([0, 1, 2, 3]) == agreement([-1, -1, -1, -1]) == 0.0
    assert agreement([0]) == agreement([]) == 0.0


def test_votes_are_settled_where_the_lead_lasts_by_the_published_criterion() -> None:
    """P(Beta(a + 1, b + 1) > 1/2) is the chance of at most a heads in a + b + 1 tosses of a fair coin."""
    assert settled_confidence([0] * 4) == 1 - 1 / 2**5
    assert settled_confidence([0, 0, 0, 1]) is None  # 26 of 32
    assert settled_confidence([5] * 7 + [2]) == 1 - 10 / 2**9
    assert settled_confidence([0] * 6 + [1] * 2) is None  # 466 of 512
    others = [1, 2, 3, -1, -1]
    assert settled_confidence([0] * 7 + others) == 1 - 10 / 2**9, "a third answer and a silent one change nothing"
    assert settled_confidence([-1] * 8) is settled_confidence([]) is None


def test_a_lead_that_the_reward_model_finds_wrong_settles_nothing() -> None:
    assert settled_confidence([0] * 4, [0.9, 0.4, 0.4, 0.4]) == 1 - 1 / 2**5
    assert settled_confidence([0] * 4, [0.9, 0.3, 0.3, 0.3]) is None
