"""Loading of models into engines, each once per process. Importing this loads no engine."""

from __future__ import annotations

import atexit
import json
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tts.aio import in_time
from tts.engines import memory
from tts.engines.engine import Engine
from tts.errors import BadInput, MissingWeights, ModelError, UnknownName
from tts.files.json_text import parse
from tts.models.card import Kind, ModelCard
from tts.models.files import require
from tts.models.find import find
from tts.protocols import Model, Policy, RewardModel
from tts.registry import names, resolve

AUTO = "auto"

_loaded: dict[tuple[str, ...], Any] = {}
_locks: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Loading:
    """How models are to be loaded.

    Attributes:
        engine: ``"auto"`` or the name of one. Auto is the first of the registry that suits the model: the remote engine
            for an address, vLLM if it is installed and the model is not built in, else transformers.
        device: as the engine takes it; default: a GPU if there is one.
        prm_device: the reward model's device, if different.
        dtype: as the engine takes it.
        gpu_memory: the part of a GPU's memory for both models together, 0 to 1.
        arguments: further arguments of the engine by name, such as ``max_model_len``; ``policy.NAME`` and ``prm.NAME``
            are for one of the two models.
    """

    engine: str = "auto"
    device: str | None = None
    prm_device: str | None = None
    dtype: str | None = None
    gpu_memory: float = 0.9
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.gpu_memory <= 1:
            raise BadInput(f"the share of GPU memory must be above 0 and at most 1, not {self.gpu_memory!r}.")
        known = (*names("engine"), AUTO)
        if self.engine.lower() not in known:
            raise UnknownName("engine", self.engine, known)

    @property
    def replays(self) -> bool:
        """Return whether the models are recordings, for which no time passes."""
        return self.engine.lower() != AUTO and _engine(self.engine).replays

    def settings(self) -> dict[str, Any]:
        """Return these fields under the names of :class:`tts.solver.Solver`."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        arguments = given.pop("arguments")
        return {**given, "engine_args": dict(arguments)}

    def of(self, kind: Kind) -> dict[str, Any]:
        """Return the engine's keyword arguments for one of the two models."""
        known = {"policy": self.device, "prm": self.prm_device or self.device}
        found: dict[str, Any] = {"device": known[kind], "dtype": self.dtype}
        for name, value in self.arguments.items():
            whose, dot, bare = name.partition(".")
            if not dot:
                found[name] = value
            elif whose not in known:
                raise BadInput(f"the engine argument {name!r} is for neither model: begin it with policy. or prm.")
            elif whose == kind:
                found[bare] = value
        return found


def parse_argument(text: str) -> tuple[str, Any]:
    """Parse an engine argument ``name=value``; the value is JSON if it parses, else text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadInput(f"the argument {text!r} has no value: write it as name=value.")
    try:
        return name.strip().replace("-", "_"), parse(value)
    except BadInput:
        return name.strip().replace("-", "_"), {"True": True, "False": False}.get(value, value)


def load_policy(name: str, loading: Loading | None = None, **settings: Any) -> Policy:
    """Load the policy of this name, once per process.

    Args:
        name: a short name, a hub id whose files are on this machine, a folder, or a server's address.
        loading: how; ``settings`` are its fields.

    Raises:
        UnknownName: for an unknown name.
        MissingExtra: when the engine is not installed.
        MissingWeights: when its files are not here or are damaged.
        ModelError: when it cannot serve as a policy.
    """
    policy: Policy = _load("policy", name, replace(loading or Loading(), **settings), 1.0)
    return policy


def load_reward(name: str, loading: Loading | None = None, **settings: Any) -> RewardModel:
    """Load the reward model of this name, once per process. Arguments and errors as in :func:`load_policy`."""
    reward: RewardModel = _load("prm", name, replace(loading or Loading(), **settings), 1.0)
    return reward


def require_vocabulary(policy: str, reward: RewardModel, loading: Loading) -> None:
    """Raise BadInput if a reward model needs the whole vocabulary and the policy's engine does not give it."""
    engine = _engine_for(find(policy, "policy"), loading.engine)
    if reward.whole_vocabulary and not engine.whole_vocabulary:
        raise BadInput(
            f"{reward.name} needs the log-probabilities of the whole vocabulary, which the engine {engine.name} does "
            "not give: choose confidence:mean, or the engine transformers."
        )


def load_both(policy: str, prm: str, loading: Loading) -> tuple[Policy, RewardModel]:
    """Load policy and reward model concurrently; on one GPU they share its memory.

    Raises what :func:`load_policy` does, NotEnoughMemory before either is loaded.
    """
    cards = find(policy, "policy"), find(prm, "prm")
    _require_both(*cards)
    engines = [_engine_for(card, loading.engine) for card in cards]
    mine, other = _divided(loading, *engines)
    engines[0].check("policy", mine.of("policy"))
    engines[1].check("prm", other.of("prm"))
    _check_room([("policy", cards[0], mine), ("prm", cards[1], other)])
    if not all(engine.reserves for engine in engines):
        return _load("policy", policy, mine, 1.0, room=False), _load("prm", prm, other, 1.0, room=False)
    shares = _shares(*cards, loading)

    def side_by_side() -> tuple[Policy, RewardModel]:
        with ThreadPoolExecutor(2) as pool:  # each takes some seconds to start, mostly waiting for its process
            first = pool.submit(_load, "policy", policy, loading, shares[0], room=False)
            second = pool.submit(_load, "prm", prm, loading, shares[1], room=False)
            return first.result(), second.result()

    return in_time(side_by_side, None)  # Ctrl-C does not wait for it


def load_pair(policy: str | Policy, judge: str, loading: Loading) -> tuple[Policy, Policy]:
    """Load a policy and the policy of its judge, once if they are the same. Raises what :func:`load_both` does.

    The judge takes the arguments and the device of a reward model. If these are not given it is loaded as the policy.
    """
    if not isinstance(policy, str):
        return policy, load_policy(judge, _as_judge(loading))
    cards = find(policy, "policy"), find(judge, "policy")
    theirs = _as_judge(loading, same=cards[0] == cards[1])
    if _key("policy", cards[0], loading) == _key("policy", cards[1], theirs):
        loaded = load_policy(policy, loading)
        return loaded, loaded
    _require_both(*cards)
    engines = [_engine_for(card, loading.engine) for card in cards]
    for engine, asked in zip(engines, (loading, theirs), strict=True):
        engine.check("policy", asked.of("policy"))
    _check_room([("policy", cards[0], loading), ("policy", cards[1], theirs)])
    shares = _shares(*cards, loading) if all(engine.reserves for engine in engines) else (1.0, 1.0)
    first: Policy = _load("policy", policy, loading, shares[0], room=False)
    return first, _load("policy", judge, theirs, shares[1], room=False)


def _as_judge(loading: Loading, same: bool = False) -> Loading:
    """Return how a judge's policy is loaded: by the arguments that begin with ``prm.``, under a policy's names.

    Without such arguments a judge that is the ``same`` model as the policy is loaded as that.
    """
    own = {f"policy.{name[4:]}": value for name, value in loading.arguments.items() if name.startswith("prm.")}
    if same and not own and loading.prm_device in (None, loading.device):
        return loading
    shared = {name: value for name, value in loading.arguments.items() if "." not in name}
    return replace(loading, device=loading.prm_device or loading.device, prm_device=None, arguments=shared | own)


def load_scorer(prm: str | RewardModel, loading: Loading) -> RewardModel:
    """Return a reward model ready to score: a name is loaded, a judge gets its policy."""
    if isinstance(prm, str):
        return load_reward(prm, loading)
    if prm.works_with:
        prm.bind(load_policy(prm.works_with, _as_judge(loading)))
    return prm


def _require_both(*cards: ModelCard) -> None:
    """Refuse models whose files are missing before either is loaded, all in one sentence. Raises MissingWeights."""
    missing = []
    for card in cards:
        try:
            if not card.url and not card.gguf:  # its header was checked when it was found
                require(card)
        except MissingWeights as error:
            missing.append(str(error).rstrip("."))
        except ModelError:
            pass  # loading it raises the error
    if missing:
        raise MissingWeights(f"{'; '.join(missing)}.")


def close(model: Model) -> None:
    """Close one model and forget it; requests under way fail with EngineError."""
    with _lock:
        for key in [key for key, loaded in _loaded.items() if loaded is model]:
            del _loaded[key]
    model.close()


def close_all() -> None:
    """Close every loaded model and forget it; requests under way fail with EngineError."""
    with _lock:
        loaded = list(_loaded.values())
        _loaded.clear()
    for model in loaded:
        model.close()


def _engine_for(card: ModelCard, name: str) -> Engine:
    """Return the engine of this name, or for ``auto`` the first one that suits the model."""
    if name.lower() != AUTO:
        return _engine(name)
    return next(engine for engine in map(_engine, names("engine")) if engine.suits(card))


def _engine(name: str) -> Engine:
    engine = resolve("engine", name)
    if not isinstance(engine, Engine):
        raise BadInput(f"the engine {name!r} does not inherit tts.engines.engine.Engine.")
    return engine


def _key(kind: Kind, card: ModelCard, loading: Loading) -> tuple[str, ...]:
    """Return what identifies a loaded model."""
    options = json.dumps(loading.of(kind), sort_keys=True, default=str)
    where = card.folder or card.hub or card.name
    asked = card.system, card.suffix, card.opening, card.separator, card.thinking
    form = repr((card.family, card.form, card.context, card.max_tokens, *asked))
    return kind, card.url, where, form, _engine_for(card, loading.engine).name, options


def _here(key: tuple[str, ...]) -> bool:
    return key in _loaded and _loaded[key].alive


def _load(kind: Kind, name: str, loading: Loading, share: float, *, room: bool = True) -> Any:
    card = find(name, kind)
    if loading.engine.lower() == AUTO and not card.url and not card.gguf:
        require(card)  # before an engine is imported, which takes seconds
    engine = _engine_for(card, loading.engine)
    options = loading.of(kind)
    engine.check(kind, options)
    key = _key(kind, card, loading)
    with _lock:
        lock = _locks[key]

    def once() -> Any:
        with lock:  # one load at a time: two of the same would cost twice the memory
            if not _here(key):
                if room:
                    _check_room([(kind, card, loading)])
                if engine.reserves:
                    options["share"] = share * loading.gpu_memory
                if key in _loaded:
                    _loaded[key].close()  # what remains of a dead one
                model = (engine.load_policy if kind == "policy" else engine.load_reward)(card, **options)
                with _lock:
                    # Anew after each load, so that it runs before the exit handlers of what the load brought in.
                    atexit.unregister(close_all)
                    atexit.register(close_all)
                    _loaded[key] = model
            return _loaded[key]

    return in_time(once, None)  # Ctrl-C does not wait for it, and what it loads is found by the next call


def _check_room(wanted: Sequence[tuple[Kind, ModelCard, Loading]]) -> None:
    """Refuse to load models that do not fit on their devices. Models that are loaded already are there already."""
    places: defaultdict[tuple[int, ...], list[memory.Need]] = defaultdict(list)
    reserved = False
    for kind, card, loading in wanted:
        engine, options = _engine_for(card, loading.engine), loading.of(kind)
        reserved |= engine.reserves
        if engine.local and not _here(_key(kind, card, loading)):
            gpus = memory.gpus(options["device"])
            need = memory.need(card, options, on_gpu=bool(gpus), cpu_cache=engine.cpu_cache)
            if need is not None:
                places[gpus].append(need)
    for gpus, needs in places.items():
        share = wanted[0][2].gpu_memory if reserved else 1.0
        memory.require_room(needs, gpus, share=share, dtype=wanted[0][2].dtype)


def _divided(loading: Loading, policy: Engine, prm: Engine) -> tuple[Loading, Loading]:
    """Give each of two models the arguments that are for its engine, where the engines differ."""
    if policy is prm:
        return loading, loading
    mine = policy.shared("policy", loading.arguments, prm)
    other = prm.shared("prm", loading.arguments, policy)
    return replace(loading, arguments=mine), replace(loading, arguments=other)


def _shares(policy: ModelCard, prm: ModelCard, loading: Loading) -> tuple[float, float]:
    """Divide a GPU's memory between two models: each its weights, and half of the rest for its cache."""
    if loading.prm_device not in (None, loading.device):
        return 1.0, 1.0
    total = memory.gpu_bytes(loading.device)
    devices = len((loading.device or "").split(","))  # a model on several devices has a part of its weights on each
    copies = (memory.counted(loading.of("policy").get("replicas")) or 1, 1)
    # 16 bits per parameter, and the memory of a pass
    weights = [2.2 * card.parameters * n / devices for card, n in zip((policy, prm), copies, strict=True)]
    free = total * loading.gpu_memory - sum(weights)
    if not total or free <= 0:
        return 0.5, 0.5
    first, second = ((size + free / 2) / (total * loading.gpu_memory) for size in weights)
    return first, second
