"""Splits a stream of sampled token ids into steps: the one definition of where a step ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from tts.types import Finish, Step, Until

Decode = Callable[[Sequence[int]], str]

_CONTEXT = 4  # number of earlier tokens decoded together, for decoders that drop the space before the first token


class Splitter:
    """What does not change between continuations of one model: its decoder, separator and end-of-sequence ids.

    Args:
        decode: token ids to text, special tokens left out.
        separator: the text that ends a step; it stays in the step.
        ends: ids that end the solution.
    """

    def __init__(self, decode: Decode, separator: str, ends: Iterable[int]) -> None:
        self.decode = decode
        self.separator = separator
        self.ends = frozenset(ends)
        self._may_close: dict[int, bool] = {}

    def start(self, before: Sequence[int]) -> Stepper:
        """Begin a continuation of ``before``, the ids of prompt and solution so far."""
        return Stepper(self, before[-_CONTEXT:])

    def may_close(self, token: int) -> bool:
        """Return whether a separator can be complete after this token. Rarely true, so text is rarely decoded."""
        known = self._may_close.get(token)
        if known is None:
            known = self._may_close[token] = self.separator[-1] in self.decode([token])
        return known

    def closing(self, vocabulary: Iterable[int]) -> set[int]:
        """Return the ids at which an engine should stop to check whether a step has ended.

        Those whose text holds a whole separator; in a vocabulary without such, those that can complete one.
        """
        texts = {token: self.decode([token]) for token in vocabulary}
        whole = {token for token, text in texts.items() if self.separator in text}
        return whole or {token for token, text in texts.items() if self.separator[-1] in text}

    def text(self, before: Sequence[int], tokens: Sequence[int]) -> str:
        """Return the text that ``tokens`` add after ``before``."""
        if not before:
            return self.decode(tokens)
        return self.decode([*before, *tokens])[len(self.decode(before)) :]


class Stepper:
    """The steps of one continuation as its tokens arrive.

    A step ends with the token that completes a separator, the token whole (``".\\n\\n"`` is one token in many
    vocabularies). A separator with nothing before it makes no empty step: it begins the next one. Nothing but blanks
    after the last separator makes no step either: those tokens belong to the step before, if there is one.
    """

    __slots__ = ("_before", "_from", "_splitter", "_texts", "_tokens", "ended")

    def __init__(self, splitter: Splitter, before: Sequence[int]) -> None:
        self._splitter = splitter
        self._before = list(before)
        self._tokens: list[int] = []
        self._from = [0]  # start of each step in the tokens, the open one included
        self._texts: list[str] = []
        self.ended = False

    @property
    def tokens(self) -> list[int]:
        """Return all ids so far."""
        return self._tokens

    @property
    def between(self) -> bool:
        """Return whether the last token completed a step and the solution continues."""
        return bool(self._texts) and self._from[-1] == len(self._tokens) and not self.ended

    def push(self, token: int) -> bool:
        """Take one more token; True when it completes a step or ends the solution (``ended``)."""
        self._tokens.append(token)
        if token in self._splitter.ends:
            self.ended = True
            return True
        if not self._splitter.may_close(token):
            return False
        text = self._open_text()
        if self._splitter.separator not in text.lstrip():
            return False
        self._texts.append(text)
        self._from.append(len(self._tokens))
        return True

    def take(self, tokens: Iterable[int], until: Until, steps: int = 1) -> bool:
        """Take sampled tokens up to where the request is done; True if it is. What lies behind was never asked for.

        With ``Until.STEP`` it is done after so many ``steps``.
        """
        most = steps if until is Until.STEP else math.inf
        return any(self.push(token) and (self.ended or len(self._texts) >= most) for token in tokens)

    def finish(self, until: Until) -> Finish:
        """Return why a continuation that stopped here stopped."""
        if self.ended:
            return Finish.STOP
        return Finish.STEP if until is Until.STEP and self.between else Finish.LENGTH

    def steps(self) -> tuple[Step, ...]:
        """Return the steps so far, an unfinished last one included; at least one."""
        texts, bounds = list(self._texts), list(self._from)
        if bounds[-1] < len(self._tokens) or not texts:
            rest = self._open_text()
            bounds.append(len(self._tokens))
            if texts and not rest.strip():
                texts[-1] += rest
                del bounds[-2]
            else:
                texts.append(rest)
        pieces = zip(texts, bounds[:-1], bounds[1:], strict=True)
        return tuple(Step(text, tuple(self._tokens[a:b])) for text, a, b in pieces)

    def _open_text(self) -> str:
        """Return the text of the tokens after the last step, without the end-of-sequence token."""
        start = self._from[-1]
        before = (self._before + self._tokens[max(0, start - _CONTEXT) : start])[-_CONTEXT:]
        tokens = self._tokens[start:]
        if tokens and tokens[-1] in self._splitter.ends:
            tokens = tokens[:-1]
        return self._splitter.text(before, tokens)
