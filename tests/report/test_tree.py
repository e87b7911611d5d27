"""Search trees on a page: rebuilt from keys, from traces, and as `tts view` shows them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.report import tree
from tests.report.test_page import EVIL, call
from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver
from tts.budget import Budget
from tts.errors import BadInput
from tts.types import Candidate, Finish


def search(strategy: str, problem: str = "How far?", n: int = 8) -> Solution:
    return asyncio.run(Solver(ToyPolicy(slip=0.4), ToyReward(), strategy, Budget(n)).solve(problem))


def texts(roots: list[tree.Twig]) -> list[tuple[str, float | None]]:
    """Texts and scores of all steps, depth first."""
    return [pair for twig in roots for pair in [(twig.text, twig.score), *texts(twig.children)]]


@pytest.mark.parametrize("strategy", ["best-of-n", "beam-search", "dvts"])
def test_candidates_span_the_part_of_the_traces_tree_that_they_end(strategy: str) -> None:
    solution = search(strategy)
    nodes = solution.trace.nodes()
    kept: set[str] = set()
    for candidate in solution.candidates:
        key = candidate.key
        while key in nodes:
            kept.add(key)
            key = nodes[key]["parent"]
    right = [candidate.answer == "3" for candidate in solution.candidates]
    found = texts(tree.from_candidates(solution.candidates, right))
    assert sorted(found) == sorted((nodes[key]["text"], nodes[key]["score"]) for key in kept)


def test_a_trace_gives_every_node_and_the_verdict_at_its_end() -> None:
    solution = search("beam-search")
    roots = tree.from_trace(solution.trace, {c.key: (c.answer, c.answer == "3") for c in solution.candidates})
    assert len(texts(roots)) == len(solution.trace.nodes())
    drawn = tree.draw(roots)
    assert drawn.count('class="step"') == len(solution.trace.nodes())
    assert "✓" in drawn


def test_keys_are_paths_of_child_indices() -> None:
    def path(key: str, steps: int) -> tuple[str, ...]:
        return tree.path_of(Candidate(key, ("s",) * steps, Finish.STOP))

    assert path("/0.3", 2) == ("/0+0", "/3+0")
    assert path("2/0+2", 3) == ("2/0+0", "2/0+1", "2/0+2")
    assert path("1/4.0+1.2", 4) == ("1/4+0", "1/0+0", "1/0+1", "1/2+0")
    assert path("17", 2) == ("s", "s")  # someone else's key: told apart by text


def test_solutions_that_share_steps_share_branches() -> None:
    def candidate(key: str, *steps: str) -> Candidate:
        return Candidate(key, steps, Finish.STOP, steps[-1], (0.5,) * len(steps))

    roots = tree.from_candidates(
        [candidate("/0.0", "a", "1"), candidate("/0.1", "a", "2"), candidate("/1", "b")], [True, False, False]
    )
    assert [(twig.text, twig.leaves) for twig in roots] == [("a", 2), ("b", 1)]
    assert [twig.end for twig in roots[0].children] == [("1", True), ("2", False)]
    drawn = tree.draw(roots)
    assert "1 of 2 right" in drawn
    assert drawn.count("<details") == 4


def test_a_trace_is_viewed_as_a_page_beside_it(tmp_path: Path) -> None:
    solution = search("dvts", f"How far? {EVIL}")
    solution.trace.save(tmp_path / "tree.jsonl")
    assert call("view", tmp_path / "tree.jsonl") == f"{tmp_path / 'tree.html'}\n"
    text = (tmp_path / "tree.html").read_text()
    assert text.count('class="step"') == len(solution.trace.nodes())
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a trace"),
        (b"\xff\xfe", "is not a trace"),
        (b'{"event": "end"}\n', "no start event"),
        (b'{"event": "start", "plan": {}}\n', "an event lacks"),
        (b'{"event": "start", "plan": {}, "problem": {"text": 3}}\n', "an event lacks"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "tree.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        call("view", tmp_path / "tree.jsonl")
    assert not (tmp_path / "tree.html").exists()


def test_a_trace_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        call("view", tmp_path / "none.jsonl")
