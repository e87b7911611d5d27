"""Recordings of real models: figures computed independently, and detection of mixed-up rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.recordings.mixup import fit_of, warning
from benchmarks.recordings.reading import read
from benchmarks.replay.replay import choices, hits, lines, rescored
from benchmarks.stats.subsets import VOTES
from tests.replay.recorded import RECORDED, recorded
from tts.answers.aggregate import AGGREGATES
from tts.answers.extract import extract
from tts.answers.normalize import canonical, number
from tts.files.jsonl import rows
from tts.records.outcomes import Outcome

BEAMS = RECORDED / "sal_math500_beams"
POOL = BEAMS / "even_pool_prm_graded_shuffled.jsonl.gz"
SMALL = RECORDED / "sal_small"
HUNDRED = RECORDED / "sal_math100_n4_n16/raw"


@pytest.fixture(scope="module")
def pool() -> list[Outcome]:
    return read(POOL)


@recorded
def test_every_vote_aggregation_and_size_gives_the_figure_computed_independently(pool: list[Outcome]) -> None:
    expected = json.loads((BEAMS / "even_pool_expected.json").read_text())
    table = lines(pool, choices(VOTES, list(AGGREGATES)), [int(n) for n in expected])
    assert len(table) == 13 * 6
    for line in table:  # no two solutions share a recorded step, so a vote by lineage is a weighted one
        name = "maj" if line.choice.vote == "majority" else str(line.choice).replace("lineage", "weighted")
        assert round(100 * line.accuracy.value, 1) == expected[str(line.n)][name], (name, line.n)


@recorded
def test_a_subset_of_all_is_the_record_itself_and_a_subset_of_one_is_a_sample(pool: list[Outcome]) -> None:
    for choice in choices(VOTES, ["last", "prod"]):
        assert hits(pool, choice, 28, subsets=True) == hits(pool, choice, 28)
        assert sum(hits(pool, choice, 1, subsets=True)) / 250 == pytest.approx(2593 / 7000)  # 37.0 %: pass@1


def spelled(outcome: Outcome) -> Outcome:
    """Classes by spelling alone, which is nearly what search-and-learn votes by."""
    names = [None if c.answer is None else canonical(c.answer) for c in outcome.candidates]
    numbers = {name: k for k, name in enumerate(dict.fromkeys(n for n in names if n is not None))}
    classes = tuple(-1 if name is None else numbers[name] for name in names)
    return replace(outcome, classes=classes, right=tuple(False for _ in names))


def predictions(path: Path) -> Iterator[tuple[str, str, str]]:
    """(vote, our answer, the one recorded) for every prefix in which each solution boxes a plain number.

    The recorded votes fall back on the last number of a text without a box, which we do not, and they were taken after
    rewriting that turns ``(a+5)(b+2)`` into ``(5)(2)``.
    """
    from benchmarks.replay.replay import _Lookup
    from tts.answers.votes import VOTES as COUNT

    for (_, row), outcome in zip(rows(path), map(spelled, read(path)), strict=True):
        for vote, how, name in (("majority", None, "maj"), ("weighted", "last", "weighted"), ("best", "last", "naive")):
            for n in (1, 2, 4, 8, 16, 64, 256):
                key, first = f"pred_{name}@{n}", rescored(outcome, how)[:n]
                theirs = extract(row.get(key, ""))
                answers = [theirs, *(c.answer for c in first)]
                if any(answer is None or number(canonical(answer)) is None for answer in answers):
                    continue
                best = COUNT[vote](first, group=_Lookup(outcome)).best  # type: ignore[call-arg]
                assert best is not None
                yield vote, canonical(best.answer or ""), canonical(theirs or "")


@recorded
def test_votes_give_the_answers_that_search_and_learn_recorded() -> None:
    files = [*sorted((BEAMS / "raw").iterdir()), *sorted(HUNDRED.glob("*beam*")), *sorted(SMALL.glob("*bon4*"))]
    seen: Counter[str] = Counter()
    other: Counter[str] = Counter()
    for path in files:
        for vote, ours, theirs in predictions(path):
            seen[vote] += 1
            other[vote] += ours != theirs
    assert min(seen.values()) > 3000
    # One tie, which goes to the highest score here and to the first seen there: problem 97 of a 3B run at N = 8, where
    # -4 has 4 x 0.99609375 and -7 has 2 x 0.9921875 + 2 x 1.0, both 3.984375.
    assert other == {"majority": 0, "best": 0, "weighted": 1}


@recorded
@pytest.mark.parametrize(
    "path",
    [*sorted(HUNDRED.glob("*best_of_n*")), *sorted(SMALL.glob("*INTERLEAVED*"))],
    ids=lambda path: path.name[:50],
)
def test_a_recording_whose_rows_are_interleaved_is_noticed(path: Path) -> None:
    assert "do not belong to their problems" in (warning(read(path)) or "")


@recorded
@pytest.mark.parametrize(
    "path",
    [
        *sorted(HUNDRED.glob("*beam*")),
        *sorted(SMALL.glob("leon*")),
        *sorted((BEAMS / "raw").glob("*")),
        BEAMS / "even_pool_prm.jsonl.gz",
        POOL,
        *(RECORDED / "qwen_rm8_math100").glob("*"),
    ],
    ids=lambda path: path.name[:50],
)
def test_a_sound_recording_gives_no_warning(path: Path) -> None:
    assert warning(read(path)) is None


@recorded
def test_rows_dealt_to_the_wrong_problems_are_noticed_without_their_text(pool: list[Outcome]) -> None:
    assert fit_of(pool).compared == 0
    turned = [replace(outcome, gold=pool[k - 1].gold) for k, outcome in enumerate(pool)]
    assert "no more often than if they were permuted" in (warning(turned) or "")
