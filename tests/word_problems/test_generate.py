"""Word problems: worked solutions, labels and splits."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest

from benchmarks.word_problems import generate
from benchmarks.word_problems.generate import LabProblem, check_steps, load, split_of, stream
from tts.errors import BadInput

MIA = LabProblem(
    id="mia",
    problem="Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?",
    answer="117",
    level=2,
    steps=3,
    # By hand: 17+25 = 42, 42*3 = 126, 126-9 = 117.
    solution="Add 25: 17+25=42.\n\nTriple it: 42*3=126.\n\nTake away 9: 126-9=117.\n\nThe answer is \\boxed{117}.",
    program=("17+25", "#0*3", "#1-9"),
    split="train",
)
# By hand: 3*4 = 12, 5*7 = 35, 12+35 = 47; the two products do not need each other.
SHOP = LabProblem(
    id="shop",
    problem="Ana buys 3 pens for 4 dollars each and buys 5 books for 7 dollars each. How much does she pay in all?",
    answer="47",
    level=2,
    steps=3,
    solution="Multiply 3 by 4: 3*4=12.\n\nMultiply 5 by 7: 5*7=35.\n\nAdd 35: 12+35=47.\n\nThe answer is \\boxed{47}.",
    program=("3*4", "5*7", "#0+#1"),
    split="train",
)


def drawn(count: int, seed: int = 5) -> list[LabProblem]:
    return list(itertools.islice(stream(seed), count))


def test_a_reference_solution_is_right_in_every_step() -> None:
    for p in [MIA, SHOP, *drawn(300)]:
        assert check_steps(p, p.solution) == [True] * (p.steps + 1)


def test_values_stay_whole_numbers_below_a_thousand_and_the_last_is_the_answer() -> None:
    for p in drawn(300):
        results = [int(line.partition("=")[2].rstrip(".")) for line in p.solution.split("\n\n")[:-1]]
        assert all(0 <= r <= generate.LARGEST for r in results)
        assert p.answer == str(results[-1])


@pytest.mark.parametrize(
    ("solution", "labels"),
    [
        # 17+25 is 42, not 43; what follows a wrong step is wrong, even where it is right by itself.
        ("Add 25: 17+25=43.\n\nTriple it: 42*3=126.", [False, False]),
        # The right arithmetic of the wrong operation.
        ("Add 25: 17+25=42.\n\nDouble it: 42*2=84.", [True, False]),
        # A step left out.
        ("Add 25: 17+25=42.\n\nTake away 9: 42-9=33.", [True, False]),
        # A number misread.
        ("Add 26: 17+26=43.", [False]),
        # A step done twice.
        ("Add 25: 17+25=42.\n\nAdd 25: 42+25=67.", [True, False]),
        # The answer before everything is done, a cut-off paragraph, an empty one, a space too many.
        ("Add 25: 17+25=42.\n\nThe answer is \\boxed{117}.", [True, False]),
        ("Add 25: 17+25=4", [False]),
        ("Add 25: 17+25=42.\n\n", [True, False]),
        ("Add 25: 17 + 25 = 42.", [False]),
        # Swapped operands of a sum and a product are as good.
        ("Add 25: 25+17=42.\n\nTriple it: 3*42=126.\n\nTake away 9: 126-9=117.", [True, True, True]),
        ("Add 25: 17+25=42.\n\nTriple it: 42*3=126.\n\nTake away 9: 9-126=117.", [True, True, False]),
    ],
)
def test_planted_errors_are_labelled_from_where_they_stand(solution: str, labels: list[bool]) -> None:
    assert check_steps(MIA, solution) == labels


def test_a_wrong_box_is_wrong_only_in_the_last_paragraph() -> None:
    assert check_steps(MIA, MIA.solution.replace("{117}", "{118}")) == [True, True, True, False]


def test_steps_that_do_not_need_each_other_may_come_in_any_order() -> None:
    a, b, c, d = SHOP.solution.split("\n\n")
    assert check_steps(SHOP, "\n\n".join([b, a, c, d])) == [True] * 4
    assert check_steps(SHOP, "\n\n".join([c, a, b, d])) == [False] * 4


def test_a_seed_decides_the_stream() -> None:
    assert drawn(50, 3) == drawn(50, 3)
    assert drawn(50, 3) != drawn(50, 4)


def test_the_stream_never_leaves_its_split() -> None:
    for split in ("train", "validation", "test"):
        assert all(split_of(p.program) == split for p in itertools.islice(stream(8, split=split), 60))


@pytest.mark.parametrize("name", list(generate.FILES))
def test_the_frozen_sets_are_drawn_again_byte_for_byte(name: str) -> None:
    data = generate.to_jsonl(generate.frozen(name))
    assert hashlib.sha256(data).hexdigest() == generate.SHA256[name]
    assert (generate.DATA / f"{name}.jsonl").read_bytes() == data


def test_the_frozen_sets_have_a_hundred_problems_of_each_level_and_share_nothing() -> None:
    test, validation = load("lab-500"), load("lab-validation")
    for part in (test, validation):
        assert [sum(p.level == level for p in part) for level in generate.LEVELS] == [100] * 5
        assert len({p.program for p in part}) == len({p.problem for p in part}) == len({p.id for p in part}) == 500
    assert not {p.program for p in test} & {p.program for p in validation}
    trained = {p.problem for p in drawn(2000)}
    assert not trained & {p.problem for p in test + validation}


def test_the_step_count_of_a_level() -> None:
    assert [generate.level_of(n) for n in (1, 2, 3, 4, 5, 6, 7, 9, 10, 12)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_missing_set_is_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "DATA", tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        load("lab-500")
