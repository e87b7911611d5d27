"""Search trees as ``tree.html.jinja`` shows them.

A tree comes from a trace, which holds every node, or from the candidates of an outcome, whose keys are paths of child
indices. Candidates lack the branches that were pruned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tts.trace import Trace, sort_key
from tts.types import Candidate

_LONG = 90  # characters of a step in the line of a folded branch

Verdict = tuple[str | None, bool | None]
"""The answer of a finished solution (None: it has none), and whether it is right (None: unknown)."""


@dataclass(slots=True)
class Twig:
    """A step of a search tree and what came after it.

    Attributes:
        text: what was written.
        score: the reward model's score of this step, 0 to 1; None without one.
        end: the verdict on the solution that ends here; None in the middle of a solution.
        finish: why the text ends here; empty after a complete step or solution.
        chosen: whether the answer's solution goes through this step.
    """

    text: str
    score: float | None = None
    children: list[Twig] = field(default_factory=list)
    end: Verdict | None = None
    finish: str = ""
    chosen: bool = False

    @property
    def leaves(self) -> int:
        return sum(child.leaves for child in self.children) or 1

    def ends(self) -> Iterator[Verdict]:
        """Yield the verdicts on the solutions that go through this step."""
        stack = [self]
        while stack:
            here = stack.pop()
            if here.end is not None:
                yield here.end
            stack += here.children


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that follow one another, and the branches after the last one.

    ``shown`` means that the line of the branch has shown the first step in full.
    """

    steps: Sequence[Twig] = ()
    branches: Sequence[Branch] = ()
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """A folded branch: the line of its first step, where it leads, and the steps inside.

    Attributes:
        tag: how many solutions it leads to, or their answer; may be empty.
        right: whether any of them is right; None where that is unknown or nothing finished.
    """

    line: str
    score: float | None
    tag: str
    right: bool | None
    chosen: bool
    rest: Chain


def from_trace(trace: Trace, verdicts: Mapping[str, Verdict], best: str = "") -> list[Twig]:
    """Build the tree of a recorded search.

    Args:
        trace: the search.
        verdicts: on the solutions, by the keys of their last nodes.
        best: the key of the node that the answer was taken from; its path is marked as chosen.

    Returns:
        The first steps. An improved solution follows the one that its prompt showed.
    """
    nodes = trace.nodes()
    twigs: dict[str, Twig] = {}
    roots: list[Twig] = []
    for key in sorted(nodes, key=sort_key):
        node = nodes[key]
        finish = "" if node["finish"] in ("step", "stop") else str(node["finish"])
        end = verdicts.get(key) or ((None, None) if node["finish"] == "stop" else None)
        twigs[key] = Twig(node["text"], node["score"], end=end, finish=finish)
    refined: dict[str, str] = {event["key"]: event["refines"] for event in trace.of("root") if "refines" in event}
    above = {key: refined.get(str(node["parent"]), str(node["parent"])) for key, node in nodes.items()}
    for key in sorted(nodes, key=sort_key):
        parent = twigs.get(above[key])
        (parent.children if parent is not None else roots).append(twigs[key])
    while best in twigs and not twigs[best].chosen:
        twigs[best].chosen = True
        best = above[best]
    return roots


def from_candidates(candidates: Sequence[Candidate], right: Sequence[bool]) -> list[Twig]:
    """Build the tree that finished candidates span, by their keys."""
    roots: list[Twig] = []
    seen: dict[tuple[str, ...], Twig] = {}
    for candidate, verdict in sorted(zip(candidates, right, strict=True), key=lambda pair: sort_key(pair[0].key)):
        path = path_of(candidate)
        level = roots
        for depth, text in enumerate(candidate.steps):
            at = path[: depth + 1]
            if at not in seen:
                score = candidate.scores[depth] if depth < len(candidate.scores) else None
                seen[at] = Twig(text, score)
                level.append(seen[at])
            twig, level = seen[at], seen[at].children
        if candidate.steps:
            twig.end = (candidate.answer, verdict)
            twig.finish = "" if candidate.finished else str(candidate.finish)
    return roots


def path_of(candidate: Candidate) -> tuple[str, ...]:
    """Name each step, with the same names for steps that candidates share.

    ``1/0.3+2`` is the third fork's child 0 and then three steps of one sample. Where the key does not have as many
    steps as the candidate (a recording of another program), the steps' texts are their names.
    """
    label, _, rest = candidate.key.rpartition("/")
    names = [label]
    for part in rest.split("."):
        index, _, more = part.partition("+")
        names += [f"{index}+{k}" for k in range(int(more or 0) + 1)] if more.isdigit() or not more else [part]
    names = names[1:]
    if len(names) != len(candidate.steps):
        return candidate.steps
    return tuple(f"{label}/{name}" for name in names)


def chain(twigs: Sequence[Twig], shown: bool = False) -> Chain:
    """Arrange a tree for the page: steps up to the next branching, then a folded line for each branch."""
    steps: list[Twig] = []
    while len(twigs) == 1:
        steps.append(twigs[0])
        twigs = twigs[0].children
    return Chain(steps, [_branch(twig) for twig in twigs], shown)


def _branch(twig: Twig) -> Branch:
    line = " ".join(twig.text.split())
    whole = line == twig.text.strip() and len(line) <= _LONG
    short = line if len(line) <= _LONG else line[:_LONG].rstrip() + "..."
    return Branch(short, twig.score, *_leads_to(twig), twig.chosen, chain([twig], shown=whole))


def _leads_to(twig: Twig) -> tuple[str, bool | None]:
    """Say what a folded branch leads to, and whether any of it is right."""
    ends = list(twig.ends())
    if not ends:
        return "pruned", None
    if all(verdict is None for _, verdict in ends):
        return (f"{len(ends)} finished" if len(ends) > 1 else ""), None
    right = sum(verdict is True for _, verdict in ends)
    if len(ends) == 1:
        return str(ends[0][0])[:40], right > 0
    return f"{right} of {len(ends)} right", right > 0
