"""Search trees on a page: rebuilt from keys, from traces, and as `tts view` shows them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks.report.html import tree
from benchmarks.report.html.render import render
from tests.report.html.test_page import EVIL, call
from tests.report.markup import parse
from tests.toy import ToyPolicy, ToyReward
from tts import Solution, Solver
from tts.budget import Budget
from tts.errors import BadInput
from tts.trace import Trace
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
    drawn = draw(roots)
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
    drawn = draw(roots)
    assert "1 of 2 right" in drawn
    assert drawn.count("<details") == 4


def draw(roots: list[tree.Twig]) -> str:
    return render("view.html.jinja", title="", problem="", first=[], rest=[], best="", tree=tree.chain(roots))


def test_a_branch_says_where_it_leads() -> None:
    def leaf(text: str, answer: str | None, right: bool | None) -> tree.Twig:
        return tree.Twig(text, 0.5, end=(answer, right))

    fork = tree.Twig("fork", 0.9, [leaf("a", "1", True), leaf("b", "2", False)])
    found = tree.chain([fork, leaf("c", "3", False), leaf("d", "4", None), tree.Twig("e", 0.1)])
    assert [(branch.line, branch.tag, branch.right) for branch in found.branches] == [
        ("fork", "1 of 2 right", True),
        ("c", "3", False),
        ("d", "", None),
        ("e", "pruned", None),
    ]


def test_the_branches_that_lead_to_the_answer_are_open() -> None:
    solution = search("beam-search")
    end = next(solution.trace.of("end"))
    roots = tree.from_trace(solution.trace, {}, end["best"])
    path: list[tree.Twig] = []
    level = roots
    while chosen := [twig for twig in level if twig.chosen]:
        assert len(chosen) == 1
        path += chosen
        level = chosen[0].children
    best = next(candidate for candidate in solution.candidates if candidate.key == end["best"])
    assert tuple(twig.text for twig in path) == best.steps
    assert 0 < draw(roots).count(" open>") <= len(path)


def test_a_deep_tree_is_drawn_whole() -> None:
    """Branches at each of 100 steps, more than any strategy takes, within the interpreter's recursion limit."""
    roots = [tree.Twig("end", end=("1", True))]
    for depth in range(100):
        roots = [tree.Twig(f"step {depth}", 0.5, roots), tree.Twig("other", 0.1)]
    assert draw(roots).count('class="step"') == 201


def test_a_trace_is_viewed_as_a_page_beside_it(tmp_path: Path) -> None:
    solution = search("dvts", f"How far? {EVIL}")
    solution.trace.save(tmp_path / "tree.jsonl")
    assert call("view", tmp_path / "tree.jsonl") == f"{tmp_path / 'tree.html'}\n"
    text = (tmp_path / "tree.html").read_text()
    assert text.count('class="step"') == len(solution.trace.nodes())


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        ({"confidence": 0.41, "right": 0.41, "share": 0.64}, "2 (41% that it is right; 64% of the vote)"),
        ({"confidence": 0.997, "right": 0.997, "share": 1.0}, "2 (more than 99 % that it is right; 100% of the vote)"),
        ({"confidence": 0.64, "right": None, "share": 0.64}, "2 (64% of the vote)"),
        ({"confidence": 0.64}, "2 (confidence 64%)"),  # an older trace
    ],
)
def test_a_view_tells_the_probability_from_the_share_of_the_vote(
    tmp_path: Path, end: dict[str, float | None], shown: str
) -> None:
    solution = search("beam-search")
    rows = [row for row in solution.trace.events if row["event"] != "end"]
    Trace([*rows, {"event": "end", "answer": "2", **end}]).save(tmp_path / "tree.jsonl")
    call("view", tmp_path / "tree.jsonl")
    assert shown in (tmp_path / "tree.html").read_text()


def test_hostile_text_in_every_field_of_a_trace_stays_text(tmp_path: Path) -> None:
    solution = search("beam-search")
    solution.trace.save(tmp_path / "tree.jsonl")
    call("view", tmp_path / "tree.jsonl", "--out", tmp_path / "harmless.html")
    rows = [json.loads(line) for line in (tmp_path / "tree.jsonl").read_text().splitlines()]
    for row in rows:
        if row["event"] == "start":
            row["problem"]["text"] = EVIL
            row["plan"] |= dict.fromkeys(("strategy", "policy", "prm", "vote", "reason", "extract", EVIL), EVIL)
            row["plan"]["parameters"] |= {"n": EVIL, "more": EVIL}
        if row["event"] == "sample":
            row["finish"] = row["finish"] if row["finish"] in ("step", "stop") else EVIL
            row["steps"] = [step | {"text": EVIL} for step in row["steps"]]
        if row["event"] == "end":
            row |= {"answer": EVIL, "best": EVIL, "stopped": EVIL}
            row["usage"][EVIL] = 1
    (tmp_path / "evil.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    call("view", tmp_path / "evil.jsonl")
    found, harmless = parse(tmp_path / "evil.html"), parse(tmp_path / "harmless.html")
    assert found.shape <= harmless.shape
    assert not any("taken" in value for _, _, value in found.attributes)
    assert found.text.count(EVIL) > 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a trace"),
        (b"\xff\xfe", "is UTF-16 text"),
        (b"\xff", "is not a trace"),
        (b'{"event": "end"}\n', "no start event"),
        (b'{"event": "end", "share": "most"}\n', "'share' of"),
        (b'{"event": "start", "plan": {}}\n', "has no 'problem'"),
        (b'{"event": "start", "plan": {}, "problem": {"text": 3}}\n', "has no 'id'"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "tree.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        call("view", tmp_path / "tree.jsonl")
    assert not (tmp_path / "tree.html").exists()


def test_a_folder_is_refused_with_the_command_for_a_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder: name a trace, or write the page of a run with `tts report"):
        call("view", tmp_path)


def test_a_trace_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        call("view", tmp_path / "none.jsonl")


def test_an_improved_solution_follows_the_one_that_its_prompt_showed() -> None:
    trace = Trace()
    trace.add("sample", key="/0", parent="/", until="end", finish="stop", steps=[{"text": "first", "tokens": [1]}])
    trace.add("root", key="0/", refines="/0", policy={}, prompt={})
    trace.add("sample", key="0/0", parent="0/", until="end", finish="stop", steps=[{"text": "better", "tokens": [2]}])
    [first] = tree.from_trace(trace, {}, best="0/0")
    assert (first.text, first.chosen) == ("first", True)
    assert [(child.text, child.chosen) for child in first.children] == [("better", True)]
