"""Auto: samples, decides and continues; the strategy for each problem comes from a profile or the published rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from strategies.base import Branching, at_least
from tts.aio import together
from tts.answers.aggregate import aggregate
from tts.budget import COMPLETE
from tts.search.search import Search
from tts.search.strategy import build, parameters_of, strategy_type
from tts.selection.explain import considered, plan_of
from tts.selection.features import Evidence
from tts.selection.profile import Ending, Profile, Stage
from tts.selection.profile_file import named
from tts.selection.published_rule import EASY, HARD, PROBE, agreement, rounds, settled_confidence
from tts.selection.selector import (
    SAMPLING,
    Limits,
    decide,
    price_of_budget,
    rate,
    without_searches,
    without_unscored,
)
from tts.types import Node, Plan, Until

POOR = "the ceiling of FLOPs is below the expected cost of any answer: the cheapest one was tried."
AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto(Branching):
    """Chooses the best strategy for this policy, reward model, problem and budget.

    With a profile it decides after each stage, from measured accuracy and cost: stop, sample more, score, search and
    decide again, or search and stop; all candidates vote. Without a profile the rule of arXiv 2502.06703 decides once,
    by the agreement of four samples; if it chooses sampling, sampling stops when the votes are settled.

    Attributes:
        solution_tokens: limit of tokens of one whole solution.
        aggregate: aggregation of step scores; ``auto`` is that of the profile, without one ``last``.
        profile: name of a shipped profile, or a path; empty for the rule.
        easy, medium, hard: the rule's strategies.
        why: the reason why the rule has these.
        scored: take no unscored single answer where the ceilings allow another: a scope judges by the score.
        look: decide once from samples and stop there, as `tts plan` does.
    """

    solution_tokens: int = 8192
    aggregate: str = "auto"
    profile: str = ""
    easy: str = "best-of-n"
    medium: str = "beam-search"
    hard: str = "beam-search"
    why: str = field(default="", metadata={"internal": True})
    scored: bool = False
    look: bool = field(default=False, metadata={"internal": True})

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
        """Decide at every stage with the profile, until stopping is best or an ending is chosen."""
        profile = without_searches(named(self.profile)) if search.whole else named(self.profile)
        price = search.ledger.flop_price
        if price is None:
            limits = self.limits(search)
            price = price_of_budget(profile, limits)
            checked = without_unscored(profile)
            if self.scored and decide(checked, checked.stages[0], None, price, limits).within:
                profile = checked
        stage, samples, searched = profile.stages[0], list[Node](), list[Node]()
        while True:
            leaves = [*samples, *searched]
            limits = self.limits(search)
            decision = decide(profile, stage, await self.evidence(search, stage, leaves), price, limits)
            plan = plan_of(profile, decision, limits, f"the profile {Path(self.profile).name}")
            move = decision.choice.move
            carried_out = decision.within and not (self.look and move)
            search.decided(plan, decision.choice.right if carried_out else None, **considered(decision, limits))
            if not decision.within:
                search.note(POOR)
            if move is None or (self.look and (leaves or isinstance(move, Ending))):
                return leaves
            if isinstance(move, Ending):
                found = await self.finish(search, plan, samples)
                if carried_out and not searched:
                    await self.looked(search, profile, plan, found)
                return [*found, *searched]
            if move.searches.runs > stage.searches.runs:
                searched += await self.run(search, plan)
            else:
                samples = await self.sample(search, move.n, samples, scored=move.scored, greedy=profile.greedy)
            if len(samples) < move.n or (searched and search.stopped != COMPLETE):  # a ceiling was reached
                return [*samples, *searched]
            stage = profile.by_key[move.key]

    async def looked(self, search: Search, profile: Profile, plan: Plan, samples: list[Node]) -> None:
        """Expect what was counted at the stage of all samples, if these are all that vote: it knows how they agree."""
        stage = profile.by_key.get((len(samples), plan.strategy == "best-of-n", 0))
        if stage is not None and plan.strategy in SAMPLING:
            evidence = await self.evidence(search, stage, samples)
            if evidence is not None and (right := rate(stage, evidence)) is not None:
                search.expect(right)

    def limits(self, search: Search) -> Limits:
        """Return what is left for this problem. No request may be in progress."""
        return Limits.of(search.width, search.ledger.flops - search.ledger.spent.flops)

    async def evidence(self, search: Search, stage: Stage, leaves: Sequence[Node]) -> Evidence | None:
        """Return the evidence of the samples; None without samples."""
        if not leaves:
            return None
        scores = _scores(search, leaves, stage.aggregate) if stage.scored else None
        tokens = [leaf.length - search.root.length for leaf in leaves]
        return Evidence(await search.classes(leaves), scores, tokens, search.root.length)

    # -- by the rule -----------------------------------------------------------------------------------------------

    async def by_rule(self, search: Search) -> list[Node]:
        """Sample once if the rule needs it and the budget allows it, then follow the rule."""
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
        """Explain why the rule applies, as the end of a sentence."""
        return "; there is no profile, so the published rule applies" + (f": {self.why}" if self.why else "")

    def ruled(self, search: Search) -> list[str]:
        """Return the rule's strategies, as far as the models support them."""
        if not search.scored:
            return ["majority"] * 3
        names = [self.easy, self.medium, self.hard]
        return ["best-of-n" if search.whole and strategy_type(name).stepwise else name for name in names]

    async def follow(
        self, search: Search, strategy: str, leaves: list[Node], why: str, options: list[Any], **considered: float
    ) -> list[Node]:
        """Record the rule's choice, and run it with the rest of the budget."""
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
        if leaves and vote != "majority":  # they vote with the search's candidates
            await search.score(leaves)
        return await self.finish(search, plan, leaves)

    async def settle(self, search: Search, plan: Plan, leaves: list[Node]) -> list[Node]:
        """Sample 4, 8, 16, ... solutions until their votes are settled."""
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
        """Return the samples, extended to ``n`` and scored if asked for; with ``greedy`` the first one is greedy."""
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
        """Run the planned search; the samples vote together with its candidates, with a weight if scored."""
        if plan.strategy in SAMPLING:
            greedy = plan.parameters.get("temperature") == 0
            return await self.sample(search, plan.n, leaves, scored=plan.strategy == "best-of-n", greedy=greedy)
        return [*leaves, *await self.run(search, plan)]

    async def run(self, search: Search, plan: Plan) -> list[Node]:
        """Run the planned search, and return its candidates."""
        known = parameters_of(plan.strategy)
        settings = {**parameters_of(self), "aggregate": plan.aggregate, **plan.parameters, **self.sampling}
        built = build(replace(plan, parameters={name: settings[name] for name in known if name in settings}))
        return await built(search.within(plan.n))


def _scores(search: Search, leaves: Sequence[Node], how: str) -> list[float]:
    """Return the score of each sample; 0 for one that could not be scored."""
    known = [search.step_scores(leaf) for leaf in leaves]
    return [aggregate(steps, how) if steps else 0.0 for steps in known]
