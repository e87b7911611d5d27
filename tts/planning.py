"""Planning: from the user's settings to a plan with strategy, parameters, reward model, vote, and the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tts.answers.aggregate import check_aggregation
from tts.answers.kinds.chosen import Chosen
from tts.engines.replay import ReplayPolicy
from tts.errors import BadInput, UnknownName
from tts.files.shape import Misfit
from tts.files.user_code import names_code
from tts.models.card import ModelCard
from tts.models.descriptions import family_of
from tts.models.files import folder_of
from tts.models.find import find
from tts.models.lookup import CARDS
from tts.protocols import Policy, RewardModel, as_reward
from tts.registry import names, resolve
from tts.search.parameters import check_parameter
from tts.search.step_scores import refusal
from tts.search.strategy import AUTO, Strategy, build, parameters_of, strategy_type, written_parameters
from tts.search.tournament import TOURNAMENT
from tts.search.variant import split
from tts.selection.profile import Ending, Profile, Searches
from tts.selection.profile_file import find as find_profile
from tts.selection.profile_file import named
from tts.selection.published_rule import rule
from tts.selection.scope.scope import Scope
from tts.selection.scope.scope_file import of_folder
from tts.types import Plan, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The user's settings: arguments of :class:`tts.solver.Solver`, None for those not given."""

    policy: str | Policy
    prm: str | RewardModel | None
    strategy: str | Strategy | None
    n: int
    vote: str | None
    aggregate: str | None
    extract: str
    kind: Chosen
    seed: int
    profile: str | None = None
    dataset: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    alternatives: int = 0
    tools: bool = False

    @property
    def card(self) -> ModelCard | None:
        return find(self.policy, "policy") if isinstance(self.policy, str) else None

    @property
    def policy_name(self) -> str:
        return find(self.policy, "policy").name if isinstance(self.policy, str) else self.policy.name

    @property
    def strategy_name(self) -> str:
        return type(self.strategy).__name__ if isinstance(self.strategy, Strategy) else self.strategy or AUTO

    @property
    def policy_parameters(self) -> int:
        return find(self.policy, "policy").parameters if isinstance(self.policy, str) else self.policy.shape.parameters


def plain(wish: Wish) -> Wish:
    """Return the settings with the parameters of a strategy's name, such as ``dvts:granularity=2``, beside the others.

    Raises BadInput for a parameter that is given twice, and what :func:`tts.search.variant.split` raises.
    """
    if not isinstance(wish.strategy, str) or ":" not in wish.strategy:
        return wish
    strategy, own = split(wish.strategy)
    for name in own.keys() & wish.parameters.keys():
        raise BadInput(f"{name} is given twice, in {wish.strategy} and by itself: leave one out.")
    return replace(wish, strategy=strategy, parameters={**own, **wish.parameters})


def made_by_name(name: str) -> bool:
    """Return whether a reward model of this name is made here: ``judge:NAME``, ``confidence:KIND`` or a function."""
    return _prefix(name) is not None or names_code(name)


def _prefix(name: str) -> str | None:
    kind, colon, _ = name.partition(":")
    return kind if (colon or kind == "tests") and kind in names("reward model") else None


def reward_of(
    given: Any, allow_code: bool = False, parameters: Mapping[str, Any] | None = None
) -> str | RewardModel | None:
    """Return the reward model that a user gave: a name is kept, ``none`` is None, a judge or function becomes one.

    Raises BadInput for an unsuitable object or parameter, and for a function by name if running it is not allowed.
    """
    if isinstance(given, str) and (kind := _prefix(given)):
        named: RewardModel = resolve("reward model", kind)(given.partition(":")[2], **(parameters or {}))
        return named
    if parameters:
        raise BadInput("parameters of a reward model are for judge:POLICY and confidence:KIND: leave them out.")
    if isinstance(given, str) and not names_code(given):
        return None if given.lower() == "none" else given
    if isinstance(given, str) or (callable(given) and not isinstance(given, RewardModel)):
        made: RewardModel = resolve("reward model", "function")(given, allow_code)
        return made
    return None if given is None else as_reward(given)


@dataclass(frozen=True, slots=True)
class Planned:
    """The result of planning.

    Attributes:
        plan: plan of every problem.
        strategy: strategy of the plan, built.
        prm: reward model to load; None for none.
        profile: profile of an adaptive strategy, if it has one.
        warnings: sentences for the user.
        scope: of the policy, if it is known.
    """

    plan: Plan
    strategy: Strategy
    prm: str | RewardModel | None
    profile: Profile | None = None
    warnings: tuple[str, ...] = ()
    scope: Scope | None = None

    def known(self, problem: Problem) -> str:
        """Warn if the profile was fitted on this problem; else return an empty text."""
        if self.profile is None or not self.profile.problems:
            return ""
        digest = hashlib.sha256(problem.text.encode()).hexdigest()[:12]
        if digest not in self.profile.problems:
            return ""
        return "the profile was fitted on this problem: its estimate is too optimistic."


def planned(wish: Wish) -> Planned:
    """Plan the user's settings. Raises TTSError for an error the user can correct; nothing is loaded."""
    kind = _kind(wish)
    if wish.tools and not kind.calls_tools:
        raise BadInput(f"the strategy {wish.strategy_name} calls no tools: use orchestrate, or leave the tools out.")
    wish = _checked(wish, kind.adaptive)
    prm = _prm(wish, kind)
    if isinstance(prm, RewardModel):
        prm = prm.for_steps(kind.stepwise)
    settings = _adapted(wish, prm) if kind.adaptive and not isinstance(wish.strategy, Strategy) else {}
    built = _built(wish, settings)
    if built.own_reward:
        prm = _own(wish, built.own_reward)
    name = built.profile
    curves = named(name) if name else None
    plan = _plan(wish, built, "" if prm is None else _name(prm))
    if curves is not None:
        _check_profile(curves, name, plan)
    if plan.vote == TOURNAMENT and not (isinstance(prm, RewardModel) and prm.compares):
        raise BadInput("a tournament needs a judge, which compares solutions: name one with prm, such as judge:POLICY.")
    if plan.prm and built.stepwise and is_outcome(prm):
        raise refusal(plan.prm)
    notes = built.note(wish.n), _without(wish, kind, prm), _thinking(wish.card, prm, plan), _sampled(curves, built)
    return Planned(plan, built, prm, curves, tuple(filter(None, notes)), _scope(wish, curves))


# ----------------------------------------------------------------------------------------------------------- the wish


def _kind(wish: Wish) -> type[Strategy]:
    """Return the class of the strategy that the user named or built."""
    if wish.strategy is None or isinstance(wish.strategy, str):
        return strategy_type(wish.strategy or AUTO)
    if not isinstance(wish.strategy, Strategy):
        raise BadInput(
            f"{wish.strategy!r} is not a strategy: derive it from tts.search.strategy.Strategy, or give a name."
        )
    return type(wish.strategy)


def _checked(wish: Wish, adaptive: bool) -> Wish:
    """Return the settings with checked names, and without an "auto" that equals the default."""
    if adaptive:
        vote, aggregate = (None if value == AUTO else value for value in (wish.vote, wish.aggregate))
        wish = replace(wish, vote=vote, aggregate=aggregate)
    elif wish.profile:
        raise BadInput(f"only the strategy auto reads a profile, not {wish.strategy}: leave the profile out.")
    if wish.aggregate is not None:
        check_aggregation(wish.aggregate)
    if wish.vote is not None:
        resolve("vote", wish.vote)
    resolve("extraction", wish.extract)
    if isinstance(wish.strategy, Strategy) and (wish.parameters or wish.profile):
        raise BadInput("the strategy is already built: give it the parameters itself.")
    return wish


# ---------------------------------------------------------------------------------------------------- the reward model


def _prm(wish: Wish, kind: type[Strategy]) -> str | RewardModel | None:
    """Return the reward model that takes part."""
    needed, card = kind.needs_reward, wish.card
    if needed and wish.prm is None:
        raise BadInput("this strategy needs a reward model: name one with prm, or use majority.")
    if not kind.takes_reward:
        return None
    if wish.prm != "auto":
        return wish.prm
    if not needed and wish.profile:
        return named(wish.profile).prm or None
    if not needed and (card is None or card.thinking or not card.prm):
        return None
    if card is None or not card.prm:
        raise BadInput("no reward model is recommended for this policy: name one with prm, or use majority.")
    return None if not needed and _absent(card) else card.prm


def _absent(card: ModelCard | None) -> bool:
    """Return whether a policy can be used here, and the reward model recommended for it cannot."""
    if card is None or not card.prm or not (card.url or card.gguf or folder_of(card)):
        return False
    return folder_of(find(card.prm, "prm")) is None


def _without(wish: Wish, kind: type[Strategy], prm: str | RewardModel | None) -> str:
    """Say that the recommended reward model was left out because it is not here, and what would help."""
    card = wish.card
    if prm is not None or wish.prm != "auto" or wish.profile or not kind.takes_reward or card is None:
        return ""
    if card.thinking or not _absent(card):
        return ""
    prm_card = find(card.prm, "prm")
    return (
        f"{prm_card.name}, the reward model recommended for {card.name}, is not on this machine, so solutions vote by "
        f"majority: `hf download {prm_card.hub}` (about {prm_card.gigabytes:.1f} GB) or --prm judge:POLICY would help."
    )


def _own(wish: Wish, name: str) -> str | RewardModel | None:
    """Return the reward model that a strategy brings; in a replay that of the trace."""
    made = reward_of(name)
    known = made.name if isinstance(made, RewardModel) else made
    return wish.prm if isinstance(wish.prm, RewardModel) and wish.prm.name == known else made


def _name(prm: str | RewardModel) -> str:
    return find(prm, "prm").name if isinstance(prm, str) else prm.name


def is_outcome(prm: str | RewardModel | None) -> bool:
    """Return whether the reward model scores whole solutions only."""
    if isinstance(prm, str):
        card = find(prm, "prm")
        return bool(card.family and family_of(card).outcome)
    return prm is not None and prm.outcome


# ----------------------------------------------------------------------------------------------------------- the scope


def _scope(wish: Wish, curves: Profile | None) -> Scope | None:
    """Return the scope in the profile, else that in the policy's folder; None without one.

    One with probabilities goes before one with limits.
    """
    card = CARDS.get(wish.policy.name) if isinstance(wish.policy, ReplayPolicy) else wish.card
    found = curves.scope if curves is not None else None
    if (found is None or found.before is None) and card is not None and (folder := folder_of(card)) is not None:
        found = of_folder(folder) or found
    return None if found is None else replace(found, advice=card.scope if card else "")


# -------------------------------------------------------------------------------------------------------- the strategy


def _adapted(wish: Wish, prm: str | RewardModel | None) -> dict[str, Any]:
    """Return settings of an adaptive strategy that depend on the models: a profile if there is one, and the rule."""
    card, name = wish.card, "" if prm is None else _name(prm)
    theirs = find(prm, "prm") if isinstance(prm, str) else None
    ours = card is not None and CARDS.get(card.name) == card and theirs in (None, CARDS.get(name))
    profile = wish.profile if wish.profile is not None else find_profile(card.name, name) if ours and card else ""
    family = theirs.family if theirs else ""
    found = rule(wish.policy_parameters, family, prm=name, thinking=bool(card and card.thinking), dataset=wish.dataset)
    settings: dict[str, Any] = {"easy": found.easy, "medium": found.medium, "hard": found.hard, "why": found.why}
    for kind in ("easy", "medium", "hard"):
        resolve("strategy", str(wish.parameters.get(kind, "majority")))
    settings |= {"profile": profile, "aggregate": wish.aggregate or AUTO}
    if profile:
        scope = _scope(wish, curves := named(profile))
        scored = bool(name) and scope is not None and scope.wants_scores(name)
        settings |= {"temperature": curves.temperature, "top_p": curves.top_p, "scored": scored}
    return settings


def _built(wish: Wish, adapted: Mapping[str, Any]) -> Strategy:
    if isinstance(wish.strategy, Strategy):
        return wish.strategy
    name = wish.strategy or AUTO
    known = parameters_of(name)
    defaults = {**_sampling(wish.card), "aggregate": wish.aggregate or "last", **adapted}
    parameters = {key: value for key, value in defaults.items() if key in known}
    return build(Plan(name, {**parameters, **wish.parameters}))


def _sampling(card: ModelCard | None) -> dict[str, Any]:
    """Return the sampling settings that the model's authors recommend, under the strategies' names."""
    if card is None:
        return {}
    return {
        "temperature": card.temperature,
        "top_p": card.top_p,
        "step_tokens": card.max_step_tokens,
        "solution_tokens": card.max_tokens,
    }


# ------------------------------------------------------------------------------------------------------------ the plan


def _plan(wish: Wish, built: Strategy, prm: str) -> Plan:
    settings = written_parameters(built)
    own = built.vote if prm or built.adaptive else "majority"
    return Plan(
        strategy=wish.strategy_name,
        parameters=settings,
        n=wish.n,
        policy=wish.policy_name,
        prm=prm,
        vote=wish.vote or own,
        aggregate=wish.aggregate or settings.get("aggregate", "last"),
        seed=wish.seed,
        reason="as asked for" if wish.strategy else "the default",
        extract=wish.extract,
        kind=wish.kind.fixed,
    )


def _check_profile(curves: Profile, name: str, plan: Plan) -> None:
    """Refuse a profile of other models, or with an unknown search or vote."""
    if (curves.policy, curves.prm) != (plan.policy, plan.prm):
        measured, here = (f"{policy} and {prm or 'no reward model'}" for policy, prm in (
            (curves.policy, curves.prm), (plan.policy, plan.prm)))  # fmt: skip
        raise BadInput(
            f"the profile {name} was measured with {measured}, not with {here}: name those models, or another profile "
            "(`tts calibrate` makes one)."
        )
    for stage in curves.stages:
        resolve("vote", stage.vote)
        for ending in stage.endings:
            resolve("vote", ending.vote)
        searches: list[Ending | Searches] = [*stage.endings]
        if stage.searches.runs:
            searches.append(stage.searches)
        for search in searches:
            known = parameters_of(search.strategy)
            for parameter, value in search.parameters.items():
                if parameter not in known:
                    raise UnknownName(f"parameter of {search.strategy}", parameter, known)
                try:
                    check_parameter(parameter, value, known[parameter])
                except Misfit as error:
                    raise BadInput(f"the profile {name} cannot be used: {error}.") from error


def check_sizes(curves: Profile, policy: Policy, reward: RewardModel | None) -> None:
    """Refuse models with the names of the measured ones and another size. Raises BadInput."""
    measured = (curves.policy_parameters, policy), (curves.prm_parameters, reward)
    for size, model in measured:
        if model is not None and size and model.shape.parameters and size != model.shape.parameters:
            raise BadInput(
                f"the profile was measured with a {model.name} of {size:,} parameters, this one has "
                f"{model.shape.parameters:,}: make a profile of it with `tts calibrate`."
            )


def _sampled(curves: Profile | None, built: Any) -> str:
    """Warn of other sampling parameters than those of the profile."""
    if curves is None or (curves.temperature, curves.top_p) == (built.temperature, built.top_p):
        return ""
    return (
        f"the profile was measured at temperature {curves.temperature:g} and top_p {curves.top_p:g}: at "
        f"{built.temperature:g} and {built.top_p:g} its estimates may be wrong."
    )


def _thinking(card: ModelCard | None, prm: str | RewardModel | None, plan: Plan) -> str:
    """Warn of a reward model that scores a reasoning policy."""
    if card is None or not card.thinking or not plan.prm:
        return ""
    beyond = f" (and absent beyond {find(prm, 'prm').context:,} tokens)" if isinstance(prm, str) else ""
    return (
        f"{card.name} is a reasoning model whose steps are the paragraphs of its thinking, and {plan.prm} was "
        f"trained on short solutions: its scores are unreliable here{beyond}; use majority."
    )
