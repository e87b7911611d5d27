"""Auto: look, decide, go on. The right strategy for each problem, by measured curves or by the published rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from strategies.base import Branching, at_least
from tts.aio import together
from tts.answers.aggregate import aggregate
from tts.search.search import Search
from tts.search.strategy import build, parameters_of, strategy_type
from tts.selection.explain import considered, plan_of
from tts.selection.features import Evidence
from tts.selection.profile import Ending, Stage
from tts.selection.profile_file import named
from tts.selection.published_rule import EASY, HARD, PROBE, agreement, rounds, settled_confidence
from tts.selection.selector import SAMPLING, Limits, decide, price_of_budget, without_searches
from tts.types import Node, Plan, Until

POOR = "the ceiling of FLOPs is below what any answer is expected to cost: the cheapest one was tried."
AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto(Branching):
    """The best strategy for this policy, this reward model, this problem and this budget.

    Samples are looked at as they come. A profile of measured curves says what each way on would bring and cost: to
    stop, to sample more, to score, or to search beside the samples at hand; all that was found votes. Without a profile
    the rule of arXiv 2502.06703 chooses once, by how far four samples agree; and where it says to sample, that is done
    until the votes are settled.

    Attributes:
        solution_tokens: most tokens of one whole solution.
        aggregate: how step scores become one; ``auto`` is as the profile says, without one ``last``.
        profile: name of a profile that ships, or the path of one; empty goes by the rule.
        easy, medium, hard: the rule's strategies, and ``why`` they are these.
        look: decide once from samples, tell, and stop there: what `tts plan` prints.
    """

    solution_tokens: int = 8192
    aggregate: str = "auto"
    profile: str = ""
    easy: str = "best-of-n"
    medium: str = "beam-search"
    hard: str = "beam-search"
    why: str = ""
    look: bool = False

    needs_reward: ClassVar[bool] = False
    adaptive: ClassVar[bool] = True
    stepwise: ClassVar[bool] = False
    vote: ClassVar[str] = "auto"

    def __post_init__(self) -> None:
        Branching.__post_init__(self)
        at_least("solution_tokens", self.solution_tokens, 1)

    def note(self, n: int) -> str:
        return ""

    async def __call__(self, search: Search) -> list[Node]:
        return await (self.by_profile(search) if self.profile else self.by_rule(search))

    # -- by measured curves ----------------------------------------------------------------------------------------

    async def by_profile(self, search: Search) -> list[Node]:
        """Decide at every stage by the profile's curves, until stopping is best or a whole search ends it."""
        profile = without_searches(named(self.profile)) if search.whole else named(self.profile)
        price = search.ledger.flop_price
        if price is None:
            price = price_of_budget(profile, self.limits(search))
        stage, leaves = profile.stages[0], list[Node]()
        while True:
            limits = self.limits(search)
            decision = decide(profile, stage, await self.evidence(search, stage, leaves), price, limits)
            plan = plan_of(profile, decision, limits, f"the profile {Path(self.profile).name}")
            search.decided(plan, **considered(decision, limits))
            if not decision.within:
                search.note(POOR)
            move = decision.choice.move
            if move is None or (self.look and (leaves or isinstance(move, Ending))):
                return leaves
            if isinstance(move, Ending):
                return await self.finish(search, plan, leaves)
            leaves = await self.sample(search, move.n, leaves, scored=move.scored, greedy=profile.greedy)
            if len(leaves) < move.n:  # a ceiling was reached
                return leaves
            stage = profile.by_key[move.n, move.scored]

    def limits(self, search: Search) -> Limits:
        """What is left for this problem; nothing is under way when it is asked."""
        return Limits.of(search.width, search.ledger.flops - search.ledger.spent.flops)

    async def evidence(self, search: Search, stage: Stage, leaves: Sequence[Node]) -> Evidence | None:
        """What the samples at hand say; None before there are any."""
        if not leaves:
            return None
        scores = _scores(search, leaves, stage.aggregate) if stage.scored else None
        tokens = [leaf.length - search.root.length for leaf in leaves]
        return Evidence(await search.classes(leaves), scores, tokens, search.root.length)

    # -- by the rule -----------------------------------------------------------------------------------------------

    async def by_rule(self, search: Search) -> list[Node]:
        """Look once, where there is something to choose and enough to look with, then follow the rule."""
        easy, medium, hard = self.ruled(search)
        if easy == medium == hard or search.width < 2 * PROBE:
            alike = easy == medium == hard
            why = "for all problems alike" if alike else f"a budget of {search.width} is too small for a look"
            return await self.follow(search, medium, [], why, [])
        leaves = await self.sample(search, PROBE, [], scored=False)
        agreeing = agreement(await search.classes(leaves))
        kinds = ("easy", easy), ("of medium difficulty", medium), ("hard", hard)
        how, strategy = kinds[0 if agreeing >= EASY else 1 if agreeing >= HARD else 2]
        why = f"of {len(leaves)} samples {agreeing:.0%} of the pairs agree, so it is taken for {how}, uncalibrated"
        options = [{"plan": plan, "when": kind, "chosen": kind == how} for kind, plan in kinds]
        return await self.follow(search, strategy, leaves, why, options, agreement=agreeing)

    @property
    def rule(self) -> str:
        """Why by the rule and why these strategies, as the end of a sentence."""
        return f"; no profile is there, and {self.why or 'so says the published rule'}"

    def ruled(self, search: Search) -> list[str]:
        """The rule's strategies, as far as these models can follow them."""
        if not search.scored:
            return ["majority"] * 3
        names = [self.easy, self.medium, self.hard]
        return ["best-of-n" if search.whole and strategy_type(name).stepwise else name for name in names]

    async def follow(
        self, search: Search, strategy: str, leaves: list[Node], why: str, options: list[Any], **considered: float
    ) -> list[Node]:
        """Say what the rule chose, and do it with what is left of the budget."""
        n = search.width - (0 if strategy in SAMPLING else len(leaves))
        how = "last" if self.aggregate == AUTO else self.aggregate
        vote = strategy_type(strategy).vote
        settling = strategy in SAMPLING and search.width >= 2 * PROBE
        until = f" until the votes are settled, up to {n}" if settling else ""
        plan = Plan(strategy, n=n, vote=vote, aggregate=how, reason=f"{strategy}{until}: {why}{self.rule}")
        search.decided(plan, samples=len(leaves), options=options, **considered)
        if self.look:
            return leaves
        if settling:
            return await self.settle(search, plan, leaves)
        if leaves and vote != "majority":  # they vote with what is found
            await search.score(leaves)
        return await self.finish(search, plan, leaves)

    async def settle(self, search: Search, plan: Plan, leaves: list[Node]) -> list[Node]:
        """Four samples, and again as many as there are, until their votes are settled."""
        scored = plan.strategy == "best-of-n"
        for n in rounds(search.width):
            leaves = await self.sample(search, n, leaves, scored=scored)
            if len(leaves) < n or n == search.width:  # a ceiling was reached, or all were drawn
                break
            scores = _scores(search, leaves, plan.aggregate) if scored else None
            if lasts := settled_confidence(await search.classes(leaves), scores):
                ahead = f"the commonest answer stays ahead with {lasts:.0%}{self.rule}"
                why = f"stop after {n} of {search.width} samples: {ahead}"
                search.decided(replace(plan, n=n, reason=why), samples=n, options=[])
                break
        return leaves

    # -- the moves -------------------------------------------------------------------------------------------------

    async def sample(
        self, search: Search, n: int, leaves: list[Node], *, scored: bool, greedy: bool = False
    ) -> list[Node]:
        """The samples at hand and as many more as make ``n``, scored where they are to be; ``greedy``: the first is."""
        first = int(greedy and not leaves)
        parts = (first, self.sampling | {"temperature": 0.0}), (n - len(leaves) - first, self.sampling)
        found = await together(
            search.expand([search.root], more, until=Until.END, max_tokens=self.solution_tokens, ahead=scored, **how)
            for more, how in parts
            if more > 0
        )
        leaves = [*leaves, *(leaf for [fresh] in found for leaf in fresh)]
        if scored:
            await search.score(leaves)
        return leaves

    async def finish(self, search: Search, plan: Plan, leaves: list[Node]) -> list[Node]:
        """A whole search as planned, and the samples at hand beside it: they vote too, with a weight if scored."""
        if plan.strategy in SAMPLING:
            greedy = plan.parameters.get("temperature") == 0
            return await self.sample(search, plan.n, leaves, scored=plan.strategy == "best-of-n", greedy=greedy)
        known = parameters_of(plan.strategy)
        settings = {**parameters_of(self), "aggregate": plan.aggregate, **plan.parameters, **self.sampling}
        built = build(replace(plan, parameters={name: settings[name] for name in known if name in settings}))
        return [*leaves, *await built(search.within(plan.n))]


def _scores(search: Search, leaves: Sequence[Node], how: str) -> list[float]:
    """The score of each sample; 0 for one that could not be scored."""
    known = [search.step_scores(leaf) for leaf in leaves]
    return [aggregate(steps, how) if steps else 0.0 for steps in known]
