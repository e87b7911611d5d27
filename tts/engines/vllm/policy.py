"""A policy on vLLM: token ids in, continuations out, cut into steps as in every engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Any

from tts.aio import aside
from tts.cost import ModelShape
from tts.engines.json_grammar import JsonGrammars, not_held
from tts.engines.sampling import SEEDS
from tts.engines.step_splitter import Splitter
from tts.engines.tokenizer import Text
from tts.engines.tool_caller import TextCaller
from tts.engines.vllm.client import Service, tokens_prompt
from tts.engines.vllm.cpu import DRAW
from tts.engines.vllm.replicas import Places
from tts.errors import EngineDied, EngineError
from tts.models.card import ModelCard
from tts.protocols import Completion, Policy, Request
from tts.tools.next_turn import enforced
from tts.types import Finish, Node, Problem, Step, TokenLogprobs, Until

_SEEDS = (1 << 63) - 1
_ALTERNATIVES = 20  # vLLM's own limit of log-probabilities, unless its max_logprobs is raised


class VLLMPolicy(Policy):
    """A causal language model on vLLM as a policy. Implements :class:`tts.protocols.Policy`.

    Prompts and continuations are token ids. vLLM stops at ids of the vocabulary that hold a separator; where a step
    truly ends, the same :class:`Stepper` decides as in every engine. Only whole continuations come back, but where
    several steps are asked for.

    Replicas share the searches: each stays on one of them, where its prefixes are cached, and the searches of a replica
    are served in the order in which they began. Else all of them would be half done at once, and their prefixes would
    drive each other out of the cache.

    Args:
        card: prompt, separator and limits.
        services: the running engine, or several with the same weights.
        tokenizer: its tokenizer.
        shape: for the cost of a pass.
        context: most tokens of prompt and solution.
        ends: ids that end a solution.
        seeds: whether a request carries its seed; without, vLLM samples somewhat faster and never the same twice.
        draws: whether the engine draws tokens with :class:`tts.engines.vllm.drawing.Drawing`.
    """

    background = True
    logprobs = _ALTERNATIVES

    def __init__(
        self, card: ModelCard, services: Sequence[Service], tokenizer: Any, *, shape: ModelShape, context: int,
        ends: set[int], seeds: bool = True, draws: bool = False,
    ) -> None:  # fmt: skip
        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = context
        self.seeds = seeds
        self.draws = draws
        self.computed = 0  # tokens of prompts that were really read
        self.services = tuple(services)
        self._places = Places(self.services)
        self._text = Text(tokenizer)
        self._splitter = Splitter(self._text.decode, card.separator, ends)
        size = self.services[0].engine.model_config.get_vocab_size()
        self._stops = {Until.END: sorted(ends), Until.STEP: sorted(ends | self._splitter.closing(range(size)))}
        self._settings = lru_cache(64)(self._sampling)
        self._grammars = JsonGrammars(self._text.core, size, ends, thinks=card.thinking)
        self.schemas = not self.services[0].engine.model_config.skip_tokenizer_init

    @property
    def alive(self) -> bool:
        """False once a process of the engine has ended."""
        return all(service.alive for service in self.services)

    @property
    def died(self) -> EngineDied:
        """Return the error of a request to the process that has ended."""
        return next((service for service in self.services if not service.alive), self.services[0]).died

    def prompt(self, problem: Problem) -> Step:
        """The prompt. Raises PromptTooLong where it leaves no room for an answer, BadInput for an empty problem."""
        return self._text.prompt(problem, self.card, self.context)

    async def prepare(self, problem: Problem) -> None:
        """Compile the problem's schema, as vLLM will: it answers a schema that it cannot compile with an error."""
        if self.schemas and (schema := enforced(problem)):
            await aside(self._grammars.check, schema)

    def warn(self, problem: Problem) -> str | None:
        """A sentence on a schema that the model cannot be held to."""
        schema = enforced(problem)
        without = not_held(self.name, "vLLM runs without its tokenizer") if schema and not self.schemas else None
        return self._grammars.warning(self.name, schema) or without

    def offered(self, tools: Sequence[Mapping[str, Any]], guide: str) -> Policy:
        """Return this model with tools in its prompt, in its chat template's own form."""
        return TextCaller(self, self._text, self.card, tools, guide)

    async def generate(self, request: Request) -> Completion:
        """Sample one continuation. Raises EngineError when vLLM fails at it, EngineDied when it is gone."""
        prompt = request.node.tokens
        limit = min(request.max_tokens, self.context - len(prompt))
        if limit < 1:
            return Completion((Step("", ()),), Finish.LENGTH)
        stepper, done, logprobs = self._splitter.start(prompt), False, list[TokenLogprobs]()

        def take(answer: Any) -> bool:
            if request.logprobs:
                logprobs.extend(self._logprobs(answer, request.logprobs))
            return stepper.take(answer.token_ids, request.until, request.steps)

        while not done and (sampled := len(stepper.tokens)) < limit:
            # More than one round only where an id that holds a separator did not end a step.
            done = await self._sample(request, [*prompt, *stepper.tokens], limit - sampled, take)
            if len(stepper.tokens) == sampled:
                raise EngineError(f"vLLM ended a request to {self.name} without a token.")
        kept = tuple(logprobs[: len(stepper.tokens)])
        return Completion(stepper.steps(), stepper.finish(request.until), logprobs=kept)

    async def surprisal(self, problem: Problem, node: Node) -> tuple[float, ...] | None:
        """Compute the surprisals of a node's tokens; None where they fill the context.

        vLLM reads the tokens for it, without its prefix cache, and samples one more that nobody wants.
        """
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        tokens = list(node.tokens)
        if len(tokens) >= self.context:
            return None
        params = SamplingParams(
            temperature=0.0, max_tokens=1, prompt_logprobs=0, detokenize=False, output_kind=RequestOutputKind.FINAL_ONLY
        )
        turn, service = self._places.of(node.root.step)

        def ask(name: str) -> AsyncGenerator[Any, None]:
            stream: AsyncGenerator[Any, None] = service.engine.generate(
                tokens_prompt(tokens), params, name, priority=turn
            )
            return stream

        read = (await service.ask(ask)).prompt_logprobs
        return tuple(-known[token].logprob for token, known in zip(tokens[1:], read[1:], strict=True))

    def close(self) -> None:
        """End the engine's processes; requests under way fail with EngineError."""
        for service in self.services:
            service.close()

    async def _sample(self, request: Request, tokens: list[int], limit: int, take: Callable[[Any], bool]) -> bool:
        """Hand what vLLM samples for a request to ``take``; return whether that is all.

        vLLM can stop at the first separator, not at a later one. Where several steps are asked for, tokens come one by
        one, and the request is aborted behind the last step.
        """
        several = request.until is Until.STEP and request.steps > 1
        until = Until.END if several else request.until
        temperature, top_p, before = request.temperature, request.top_p, len(tokens) - request.node.length
        drawn = self.draws and temperature > 0
        shown = (0.0, 1.0) if drawn else (temperature, top_p)
        params = copy(self._settings(until, *shown, request.logprobs, several))
        params.max_tokens = limit
        if drawn:
            params.extra_args = {DRAW: [request.seed & SEEDS, before, temperature, top_p]}
        elif self.seeds and temperature > 0:
            params.seed = (request.seed + before) & _SEEDS
        if request.schema and not self._grammars.check(request.schema):
            params.structured_outputs = _held(self._grammars.grammar(request.schema))
        done = False

        def enough(output: Any) -> bool:
            nonlocal done
            done = take(output.outputs[0])
            return done

        turn, service = self._places.of(request.node.root.step)

        def ask(name: str) -> AsyncGenerator[Any, None]:
            prompt = tokens_prompt(tokens)
            stream: AsyncGenerator[Any, None] = service.engine.generate(prompt, params, name, priority=turn)
            return stream

        answer = await service.ask(ask, enough)
        self.computed += len(tokens) - (answer.num_cached_tokens or 0)
        return done

    def _logprobs(self, answer: Any, count: int) -> list[TokenLogprobs]:
        """Return vLLM's log-probabilities, which come by id; the sampled token is among them whatever its rank."""
        found = []
        for token, known in zip(answer.token_ids, answer.logprobs or (), strict=False):
            best = sorted(((each.logprob, index) for index, each in known.items()), reverse=True)[:count]
            top = tuple((self._text.piece(index), value) for value, index in best)
            found.append(TokenLogprobs(known[token].logprob, top, text=self._text.piece(token)))
        return found

    def _sampling(self, until: Until, temperature: float, top_p: float, logprobs: int, streamed: bool) -> Any:
        """What requests of one kind have in common; making it anew takes longer the more stops there are."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=temperature,
            top_p=top_p,
            logprobs=logprobs or None,
            stop_token_ids=self._stops[until],
            ignore_eos=True,  # the ids that end a solution are among the stops
            detokenize=False,
            output_kind=RequestOutputKind.DELTA if streamed else RequestOutputKind.FINAL_ONLY,
            skip_clone=True,
        )


def _held(grammar: str) -> Any:
    from vllm.sampling_params import StructuredOutputsParams

    return StructuredOutputsParams(grammar=grammar)
