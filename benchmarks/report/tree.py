"""Search trees, as nested parts of a page that unfold. What a model wrote is text and nothing else: all is escaped.

A tree comes from a trace, which holds every node, or from the candidates of an outcome, whose keys are paths of child
indices: then branches that ended without a candidate are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from tts.trace import Trace, sort_key
from tts.types import Candidate

_LONG = 90  # characters of a step that stand in a line that unfolds


@dataclass(slots=True)
class Twig:
    """A step of a search tree and what came after it.

    Attributes:
        text: what was written.
        score: the reward model's for this step, 0 to 1; None where nobody scored it.
        end: where a solution ends here: its answer (None where it holds none) and whether it is right (None: unknown).
        finish: why the text ends here, where that is neither a step nor a finished solution.
    """

    text: str
    score: float | None = None
    children: list[Twig] = field(default_factory=list)
    end: tuple[str | None, bool | None] | None = None
    finish: str = ""

    @property
    def leaves(self) -> int:
        return sum(child.leaves for child in self.children) or 1


def from_trace(trace: Trace, verdicts: Mapping[str, tuple[str | None, bool | None]]) -> list[Twig]:
    """The first steps of a recorded search, each with what follows.

    Args:
        trace: the search.
        verdicts: of each finished node's key, its answer and whether that is right.
    """
    nodes = trace.nodes()
    twigs: dict[str, Twig] = {}
    roots: list[Twig] = []
    for key in sorted(nodes, key=sort_key):
        node = nodes[key]
        finish = "" if node["finish"] in ("step", "stop") else str(node["finish"])
        end = verdicts.get(key) or ((None, None) if node["finish"] == "stop" else None)
        twigs[key] = Twig(node["text"], node["score"], end=end, finish=finish)
    for key in sorted(nodes, key=sort_key):
        parent = twigs.get(nodes[key]["parent"])
        (parent.children if parent is not None else roots).append(twigs[key])
    return roots


def from_candidates(candidates: Sequence[Candidate], right: Sequence[bool]) -> list[Twig]:
    """The tree that finished candidates span, by their keys."""
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
    """One name a step, the same for steps that candidates share.

    ``1/0.3+2`` is the third fork's child 0 and then three steps of one sample. Where the key does not have as many
    steps as the candidate (a recording of someone else's), steps are told apart by their text.
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


def draw(roots: Sequence[Twig]) -> str:
    """The tree as HTML: a step after another, and where it branches a line for each branch that unfolds."""
    return f'<div class="tree">{_level(roots)}</div>'


def _level(twigs: Sequence[Twig]) -> str:
    if not twigs:
        return ""
    if len(twigs) == 1:
        return _chain(twigs[0])
    parts = []
    for twig in twigs:
        line = " ".join(twig.text.split())
        whole = line == twig.text.strip() and len(line) <= _LONG  # then it need not be said again below
        short = escape(line if len(line) <= _LONG else line[:_LONG].rstrip() + "...")
        css = ' class="step"' if whole else ""
        head = f"<summary{css}>{_score(twig.score)}{short}{_outcome_words(twig)}</summary>"
        parts.append(f'<details class="branch">{head}{_chain(twig, said=whole)}</details>')
    return "".join(parts)


def _chain(twig: Twig, said: bool = False) -> str:
    """A step and those after it up to the next branching, side by side rather than one in another."""
    parts: list[str] = []
    while True:
        if not said:
            text = escape(twig.text.strip())
            parts.append(f'<div class="step">{_score(twig.score)}<span class="plain">{text}</span></div>')
        said = False
        if twig.end is not None:
            parts.append(f'<div class="end">{_verdict(*twig.end)}</div>')
        if twig.finish:
            parts.append(f'<div class="end soft">cut off: {escape(twig.finish)}</div>')
        if len(twig.children) != 1:
            return "".join(parts) + _level(twig.children)
        twig = twig.children[0]


def _score(score: float | None) -> str:
    if score is None:
        return '<span class="score">-</span>'
    share = min(max(score, 0.0), 1.0)
    return f'<span class="score"><span class="bar"><i style="width:{100 * share:.0f}%"></i></span>{score:.2f}</span>'


def _verdict(answer: str | None, right: bool | None) -> str:
    if answer is None:
        return '<span class="soft">ends without an answer</span>'
    mark = "" if right is None else '<span class="good">✓</span> ' if right else '<span class="bad">✗</span> '
    return f"{mark}answer <b>{escape(answer)}</b>"


def _outcome_words(twig: Twig) -> str:
    """What a folded branch leads to: how many solutions, how many of them right."""
    ends = list(_ends(twig))
    if not ends:
        return '<span class="tag">left off</span>'
    right = sum(verdict is True for _, verdict in ends)
    if all(verdict is None for _, verdict in ends):
        return f'<span class="tag">{len(ends)} finished</span>' if len(ends) > 1 else ""
    if len(ends) == 1:
        answer, _ = ends[0]
        css, mark = ("good", "✓") if right else ("bad", "✗")
        return f'<span class="tag"><span class="{css}">{mark}</span> {escape(str(answer))[:40]}</span>'
    css = "good" if right else "bad"
    return f'<span class="tag"><span class="{css}">{right} of {len(ends)} right</span></span>'


def _ends(twig: Twig) -> list[tuple[str | None, bool | None]]:
    found, stack = [], [twig]
    while stack:
        here = stack.pop()
        if here.end is not None:
            found.append(here.end)
        stack += here.children
    return found
