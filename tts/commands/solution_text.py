"""A solution as a person reads it: answer, confidence, votes, plan and cost; or why there is none, and the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from textwrap import indent
from typing import TYPE_CHECKING

from tts.answers.aggregate import short
from tts.budget import COMPLETE, INTERRUPTED
from tts.commands.console import fold, note, say, say_json
from tts.errors import BadInput
from tts.records.words import count, likely

if TYPE_CHECKING:
    from tts import Candidate, Solution
    from tts.types import Standing


def print_solution(solution: Solution, as_json: bool, show_steps: bool, with_problem: bool = False) -> None:
    """Print a solution: its warnings on standard error, the steps of the best candidate, and the summary."""
    from tts.records.solution_json import as_row

    if as_json:
        say_json(as_row(solution))
        return
    for warning in solution.warnings:
        note(warning)
    if with_problem:
        say(f"Problem     {solution.problem.text}")
    if solution.error is not None:
        say(f"Error       {solution.error}\n")
        return
    if show_steps and solution.best is not None:
        _print_steps(solution, solution.best)
    for name, text in summary(solution):
        whole = name == "Answer" and solution.answer is not None and "\n" in text.strip()  # such as a program
        say(f"{name}\n{indent(text.rstrip(), '    ')}" if whole else "\n".join(fold(text, f"{name:<12}")))
    if with_problem:
        say()


def _print_steps(solution: Solution, best: Candidate) -> None:
    """Print the steps of a candidate with their scores; of what was read, the text that each tool returned."""
    read = {event["step"]["text"]: event["calls"] for event in solution.trace.of("call")}
    say("Score  Step")
    for k, step in enumerate(best.steps):
        score = f"{best.scores[k]:5.3f}" if best.scores else "    -"
        text = "\n".join(f"{call['tool'] or '(unreadable)'}: {call['text']}" for call in read.get(step, ())) or step
        say(f"{score}  " + text.strip().replace("\n", "\n       "))
    say()


def summary(solution: Solution) -> list[tuple[str, str]]:
    """Return the lines of the summary, each a title and a text."""
    usage, plan = solution.usage, solution.plan
    finished = sum(candidate.finished for candidate in solution.candidates)
    lines = [
        ("Answer", _answer(solution)),
        ("Confidence", _confidence(solution, finished)),
        *([("Votes", "; ".join(map(_standing, solution.votes[:3])))] if len(solution.votes) > 1 else []),
        ("Plan", _plan_words(solution)),
        ("Policy", f"{plan.policy}: {_spent(usage.policy_tokens, usage.policy_flops, usage.policy_counted)}"),
        (
            "Reward",
            f"{plan.prm}: {_spent(usage.prm_tokens, usage.prm_flops, usage.prm_counted)}" if plan.prm else "none",
        ),
        ("Time", f"{usage.seconds:.2f} s"),
    ]
    if usage.tool_calls:
        lines.insert(-1, ("Tools", _tool_words(solution)))
    if usage.cost:
        lines.insert(-1, ("Cost", f"${usage.cost:.6f}"))
    if plan.reason.startswith("routed to "):
        lines.insert(2, ("Route", plan.reason.partition(";")[0]))
    if solution.stopped != "complete":
        what = solution.stopped if solution.stopped == INTERRUPTED else f"{solution.stopped} was reached"
        lines.insert(2, ("Stopped", f"{what}: this is the best answer so far" if solution.answer else what))
    return lines


def _spent(tokens: int, flops: int, counted: bool) -> str:
    return f"{tokens:,} tokens, {f'{flops:.3g} FLOPs' if counted else 'FLOPs not counted'}"


def _tool_words(solution: Solution) -> str:
    """Count the calls of each tool, the failed ones apart."""
    made = [call for event in solution.trace.of("call") for call in event["calls"]]
    tally = Counter(call["tool"] or "(unreadable)" for call in made)
    failed = sum(call.get("failed", False) for call in made)
    calls = ", ".join(f"{name} {number}" for name, number in tally.most_common())
    return f"{count(len(made), 'call')}: {calls}" + (f"; {failed} failed" if failed else "")


def _answer(solution: Solution) -> str:
    if solution.answer is None:
        return _no_answer(solution)
    doubtful = solution.scope is not None and solution.scope.doubtful
    return f"{solution.answer} (probably wrong)" if doubtful else solution.answer


def _confidence(solution: Solution, finished: int) -> str:
    """Give the probability that the answer is right where it is known, and the share of the vote."""
    if solution.answer is None:
        return "none: no solution has an answer" if finished else "none: no solution was finished"
    of_vote = f"of the {solution.plan.vote} vote of {count(finished, 'finished solution')}"
    if solution.scope is None:
        share = f"{solution.confidence:.0%} {of_vote}"
    else:
        share = f"{solution.votes[0].share:.0%} {of_vote}" if solution.votes else ""
    vote = "a single solution, so there was no vote" if finished == 1 else share
    if solution.scope is None or solution.scope.right is None:
        return vote
    return f"{likely(solution.confidence)} that it is right; {vote}"


def _standing(standing: Standing) -> str:
    score = "" if standing.score is None else f", score {standing.score:.2f}"
    answer = " ".join(standing.answer.split())
    answer = answer if len(answer) <= _LONG else f"{answer[: _LONG - 4]} ..."
    return f"{answer} {standing.share:.0%} ({count(standing.count, 'solution')}{score})"


def _no_answer(solution: Solution) -> str:
    """Say why there is no answer, which option would help, and show the best text."""
    finished = [candidate for candidate in solution.candidates if candidate.finished]
    if not solution.candidates and solution.stopped == INTERRUPTED:
        return "none: interrupted before the first solution ended"
    if not solution.candidates:
        return f"none: the budget ended before the first solution did; {_more(solution)}"
    if not finished:
        why = f"no solution was finished; {_more(solution)}"
    elif solution.problem.schema:
        why = f"{_lacking(finished, 'hold')} JSON that fits the schema; raise --budget for more of them"
    elif solution.plan.kind != "math":
        why = f"{_lacking(finished, 'hold')} {_wanted(solution.plan.kind)}; --kind names another kind of answer"
    elif solution.plan.extract == "auto":
        why = f"{_lacking(finished, 'state')} one; ask for it in the problem"
    else:
        why = f"{_lacking(finished, 'have')} one by the rule {solution.plan.extract!r}; try --extract auto"
    text, chosen = _best_text(finished or solution.candidates)
    return f"none: {why}. The {chosen} text ends: {text.strip()[-_EXCERPT:]}"


def _lacking(finished: list[Candidate], verb: str) -> str:
    if len(finished) == 1:
        return f"the only finished solution does not {verb}"
    return f"none of {len(finished)} finished solutions {'has' if verb == 'have' else f'{verb}s'}"


def _more(solution: Solution) -> str:
    """Say what would let a solution end."""
    if solution.stopped == INTERRUPTED:
        return "let it run longer"
    if solution.stopped != COMPLETE:
        return f"raise --{solution.stopped.replace('_', '-')}"
    if solution.plan.strategy == "orchestrate":
        return "raise --parameter turns=N or --parameter turn_tokens=N"
    return "raise --solution-tokens or --step-tokens"


def _best_text(candidates: Sequence[Candidate]) -> tuple[str, str]:
    """Return the text with the best score, else the one most like the others, and what it is."""
    from tts.answers.medoid import medoid

    scored = [candidate for candidate in candidates if candidate.score is not None]
    if scored:
        return max(scored, key=lambda candidate: candidate.score or 0.0).text, "best"
    texts = [candidate.text for candidate in candidates]
    return texts[medoid(texts)], "only" if len(texts) == 1 else "most typical"


def _wanted(kind: str) -> str:
    """Say what was looked for; a kind of the user's own may have no name that we know."""
    from tts.answers.kinds.named import type_of

    try:
        return type_of(kind).wants
    except BadInput:
        return "an answer"


_EXCERPT = 400  # characters of a text that held no answer
_LONG = 60  # characters of an answer among the votes


def _plan_words(solution: Solution) -> str:
    from tts.search.variant import name_of

    plan = solution.plan
    if "profile" in plan.parameters:
        return f"{plan.strategy}, N up to {plan.n}: {plan.reason}"
    plain = {name: value for name, value in plan.parameters.items() if isinstance(value, (int, float, str))}
    own = {name: value for name, value in plain.items() if name != "beam_width"}
    words = [name_of(plan.strategy, own), f"N = {plan.n}"]
    if "beam_width" in plan.parameters:
        words.append(f"beam width {plan.parameters['beam_width']}")
    words.append(f"temperature {plan.parameters.get('temperature', '?')}")
    words.append(f"{plan.vote} vote" + (f" on {short(plan.aggregate)} step score" if plan.prm else ""))
    return ", ".join(words)
