"""``tts solve``: answer a problem, or a file of problems."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tts.answers.aggregate import short
from tts.budget import COMPLETE, INTERRUPTED
from tts.commands import completion, options
from tts.commands.console import check_printable, fold, interactive, note, problem_text, say, say_json
from tts.commands.own_tools import equip
from tts.errors import BadInput
from tts.files.standard_streams import ERRORS
from tts.files.text import check_writable
from tts.models.policies import DEFAULT_ORCHESTRATOR, DEFAULT_POLICY
from tts.records.words import count, likely

if TYPE_CHECKING:
    from tts import Candidate, Solution, Solver
    from tts.executor import Executor
    from tts.types import Standing


@options.solver()
def solve(
    problem: Annotated[
        str | None, typer.Argument(help="Problem to solve. Default: read standard input, or ask for it.")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="Search strategy, by itself or as NAME:PARAMETER=VALUE; `tts strategies` lists them.",
            show_default="auto",
            autocompletion=completion.registered("strategy"),
            rich_help_panel=options.SEARCH,
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option("--budget", "-n", help="Number of samples N.", rich_help_panel=options.BUDGET)
    ] = 16,
    *,
    solver: dict[str, Any],
    cluster: dict[str, Any],
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Route each problem to a model of this pool, a file of `tts pool fit`.", rich_help_panel=options.MODELS
        ),
    ] = None,
    objective: options.Objective = None,
    top: options.Top = 1,
    max_cost: Annotated[
        float | None,
        typer.Option(
            help="Limit of dollars per problem, by the prices of --price or of the pool.",
            rich_help_panel=options.BUDGET,
        ),
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="Dollars per million tokens of the policy: INPUT,OUTPUT.", rich_help_panel=options.MODELS),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="Problems, one per line; rows with `problem` in .jsonl, .json, .csv, .parquet.",
            rich_help_panel=options.DATA,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="With --file: write answers to this file. The same command resumes it.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(help="With --file: most problems at a time in one process.", rich_help_panel=options.DATA),
    ] = 32,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per problem.", rich_help_panel=options.OUTPUT)
    ] = False,
    show_steps: Annotated[
        bool,
        typer.Option(
            "--show-steps",
            help="Print the steps of the best solution with their scores.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Write the search tree to this file; with --file: one file per problem, in this folder.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
) -> None:
    """Solve a problem, or a file of problems.

    Example: tts solve --policy llama-3.2-3b --budget 256 "What is the sum of the first 100 primes?"
    """
    from tts.solver import Solver

    if file is None and out is not None:
        raise BadInput("--out goes with --file: a single answer is printed (--json > FILE keeps it).")
    if file is not None and problem is not None:
        raise BadInput("give either a problem or --file, not both.")
    if file is None and any(value is not None for value in cluster.values()):
        raise BadInput("--ray goes with --file: a cluster solves many problems at a time.")
    if strategy == "orchestrate" and pool is None and solver["policy"] == DEFAULT_ORCHESTRATOR:
        equip(solver)
    if pool is not None:
        made = _pooled(pool, budget, objective, top, max_cost, {**solver, "strategy": strategy, "prices": price})
    elif objective is not None or top != 1:
        raise BadInput("--objective and --top go with --pool.")
    else:
        made = Solver(strategy=strategy, budget=budget, max_cost=max_cost, prices=price, **solver)
    if file is not None:
        with options.executor(cluster) as executor:
            _solve_file(made, file, out, trace, concurrency, executor, as_json, show_steps)
    else:
        solve_one(made, problem, trace, as_json, show_steps)


def _pooled(
    pool: Path, budget: int, objective: str | None, top: int, max_cost: float | None, settings: dict[str, Any]
) -> Solver:
    """The solver over a pool; what the pool decides itself may not be typed."""
    from tts.pool_solver import PoolSolver
    from tts.routing.choice import Objective

    for name, default in (("policy", DEFAULT_POLICY), ("prm", "auto")):
        if settings.pop(name) != default:
            raise BadInput(f"a pool names its models and searches itself: leave --{name} out.")
    wanted = Objective.parse(objective)
    return PoolSolver(pool, budget, objective=wanted, top=top, max_cost=max_cost, **settings)


def solve_one(solver: Solver, problem: str | None, trace: Path | None, as_json: bool, show_steps: bool) -> None:
    import asyncio

    from tts.commands.progress import elapsed, stoppable, told
    from tts.trace import Sampled

    check_printable()
    if trace is not None:
        check_writable(trace, f"the trace {trace}")
    question = problem_text(problem)
    sampled, begun = Sampled(), time.monotonic()
    with told(lambda: f"{sampled}, {elapsed(begun)}"), stoppable() as stop:
        solution = asyncio.run(solver.solve(question, stop, sampled))
    try:
        _print_solution(solution, as_json, show_steps)
    finally:  # after the answer, and also where that cannot be written: neither costs the other
        if trace is not None:
            solution.trace.save(trace)
    if solution.stopped == INTERRUPTED:
        raise typer.Exit(130)


def _solve_file(
    solver: Solver,
    file: Path,
    out: Path | None,
    trace: Path | None,
    concurrency: int,
    executor: Executor,
    as_json: bool,
    show_steps: bool,
) -> None:
    from tqdm import tqdm

    from tts.batch import Batch
    from tts.commands.progress import elapsed, resumable, watched

    if out is None:
        check_printable()
    begun = time.monotonic()
    with Batch(solver, file, out, trace, concurrency, executor) as batch:
        for line in batch.bad:
            note(f"{file}, {line}")
        if batch.resumed:
            note(f"{batch.resumed} of {batch.total} are already answered in {out}.")

        def so_far() -> str:
            return f"{batch.answered} of {batch.total} problems, {executor.status or batch.sampled}, {elapsed(begun)}"

        def kept() -> str:
            where = f"{batch.answered} of {batch.total} answers are in {out}"
            return where if out else f"{batch.answered} of {batch.total} were printed; with --out they are kept"

        bar = tqdm(total=batch.total, initial=batch.resumed, unit="problem", file=ERRORS, disable=not interactive())
        with (
            resumable(kept, goes_on=out is not None),
            bar,
            watched(so_far, lambda _: bar.set_postfix_str(executor.status or str(batch.sampled))),
        ):
            for solution in batch.run():
                bar.update()
                if out is None:
                    bar.clear()
                    _print_solution(solution, as_json, show_steps, with_problem=True)
        failed = len(batch.bad) + batch.failed
        note(f"{batch.answered} of {batch.total} problems answered, {failed} failed.")
    if batch.untraced:
        note(f"{count(len(batch.untraced), 'trace')} could not be written: {batch.untraced[0]}")
    if failed or batch.untraced:
        raise typer.Exit(2)


def _print_solution(solution: Solution, as_json: bool, show_steps: bool, with_problem: bool = False) -> None:
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
    for name, text in _summary(solution):
        say("\n".join(fold(text, f"{name:<12}")))
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


def _summary(solution: Solution) -> list[tuple[str, str]]:
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
    return f"{standing.answer} {standing.share:.0%} ({count(standing.count, 'solution')}{score})"


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
