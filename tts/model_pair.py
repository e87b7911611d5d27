"""The models of a solver: loaded when they are first needed, checked against its plan, closed together."""

from __future__ import annotations

from collections.abc import Callable

from tts.budget import Budget
from tts.cost import Prices
from tts.engines.load import Loading, close, load_both, load_pair, load_policy, load_reward, require_vocabulary
from tts.errors import BadInput
from tts.planning import Planned, check_sizes
from tts.protocols import Policy, RewardModel

Pair = tuple[Policy, RewardModel | None]


class ModelPair:
    """A policy and the reward model of a plan.

    Args:
        policy: a name, or the model itself.
        prm: the same for the reward model; None for none.
        loading: how to load them.
        prices: what the policy's server bills.
        check: raises BadInput for models that the plan does not go with.
    """

    def __init__(
        self,
        policy: str | Policy,
        prm: str | RewardModel | None,
        loading: Loading,
        prices: Prices | None,
        check: Callable[[Policy, RewardModel | None], None],
    ) -> None:
        self.policy, self.prm, self.loading, self.prices = policy, prm, loading, prices
        self._check = check
        self._models: Pair | None = None

    @property
    def ready(self) -> Pair | None:
        """Return both models if they are loaded and alive, else None."""
        models = self._models
        return models if models and all(model.alive for model in models if model) else None

    def require_alive(self) -> None:
        """Raise EngineDied if a loaded model is not alive any more."""
        for model in self._models or ():
            if model is not None and not model.alive:
                raise model.died

    def load(self) -> Pair:
        """Return both models; load them if they are not loaded, or if an engine's process has ended."""
        if (ready := self.ready) is None:
            ready = self._load()
            if self.prices is not None:
                ready[0].prices = self.prices
            self._check(*ready)
            self._models = ready
        return ready

    def close(self) -> None:
        """Release the memory of both models."""
        models, self._models = self._models, None
        policy, reward = models or (None, None)
        for model in (policy, reward, reward.bound if reward else None):
            if model is not None:
                close(model)

    def variant(self, prm: str | RewardModel | None, check: Callable[[Policy, RewardModel | None], None]) -> ModelPair:
        """Return the pair of another plan; it has the loaded models, if they are all that this plan needs."""
        other = ModelPair(self.policy, prm, self.loading, self.prices, check)
        if (ready := self.ready) is not None and (prm is None or prm == self.prm):
            ready = ready if prm is not None else (ready[0], None)
            check(*ready)
            other._models = ready
        return other

    def _load(self) -> Pair:
        policy, prm = self.policy, self.prm
        if isinstance(prm, RewardModel) and prm.works_with:
            loaded, other = load_pair(policy, prm.works_with, self.loading)
            prm.bind(other)
            return loaded, prm
        if isinstance(policy, str) and isinstance(prm, str):
            return load_both(policy, prm, self.loading)
        if isinstance(policy, str) and isinstance(prm, RewardModel):
            require_vocabulary(policy, prm, self.loading)
        loaded = load_policy(policy, self.loading) if isinstance(policy, str) else policy
        return loaded, load_reward(prm, self.loading) if isinstance(prm, str) else prm


def check_models(
    planned: Planned,
    budget: Budget,
    total_flops: float | None,
    alternatives: int,
    policy: Policy,
    reward: RewardModel | None,
) -> None:
    """Refuse a plan that these models do not support, before any work. Raises BadInput."""
    strategy = planned.strategy
    if strategy.stepwise and not policy.steps:
        raise BadInput(
            f"{policy.name} is behind a chat-only server, which cannot continue from a step: "
            f"use best-of-n or majority, not {planned.plan.strategy}."
        )
    if reward is not None and reward.logprobs and not policy.logprobs:
        raise BadInput(
            f"{policy.name} gives no log-probabilities, which {reward.name} needs: use majority, or another reward "
            "model."
        )
    if alternatives and not policy.logprobs:
        raise BadInput(f"{policy.name} gives no log-probabilities: ask for none.")
    unknown = next((model.name for model in (policy, reward) if model and not model.counted), None)
    if unknown and not (budget.max_flops is None and total_flops is None):
        raise BadInput(f"the size of {unknown} is unknown, so a ceiling of FLOPs cannot be enforced: leave it out.")
    priced = policy.prices is not None or (strategy.calls_tools and not policy.remote)
    if budget.max_cost is not None and not priced:
        raise BadInput(
            f"the prices of {policy.name} are unknown, so a ceiling of dollars cannot be enforced: give them as "
            "INPUT,OUTPUT in dollars per million tokens."
        )
    if planned.profile is not None:
        check_sizes(planned.profile, policy, reward)
