"""Splits a server's answers into steps: by token ids if it sends them, else by text with the same rules."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tts.engines.remote.reply import Json, count_of, first_choice, text_of, whole
from tts.engines.step_splitter import Splitter
from tts.errors import EngineError
from tts.types import Finish, Step, TokenLogprobs


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one request: text, token ids (zeros if unknown), and why it stopped.

    Attributes:
        warning: a sentence for the user if the server did not report whether the text is complete; else empty.
        logprobs: one entry a token, where asked for and given.
    """

    text: str
    tokens: list[int]
    finish: Finish
    warning: str = ""
    logprobs: tuple[TokenLogprobs, ...] = ()


class Stepped:
    """The steps of one continuation by its token ids, cut as every engine cuts them."""

    def __init__(self, splitter: Splitter, before: Sequence[int]) -> None:
        self._stepper = splitter.start(before)
        self.text = ""

    @property
    def tokens(self) -> list[int]:
        return self._stepper.tokens

    @property
    def between(self) -> bool:
        return self._stepper.between

    def take(self, answer: Answer) -> None:
        for token in answer.tokens:
            self._stepper.push(token)

    def steps(self, split: bool = False) -> tuple[Step, ...]:
        return self._stepper.steps()


class Pieces:
    """The steps of one continuation by its text, to the same rules: see :class:`tts.engines.step_splitter.Stepper`."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._steps: list[tuple[str, list[int]]] = []
        self._open = False

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self._steps)

    @property
    def tokens(self) -> list[int]:
        return [token for _, tokens in self._steps for token in tokens]

    @property
    def between(self) -> bool:
        """Return whether the last answer completed a step."""
        return bool(self._steps) and not self._open

    def take(self, answer: Answer) -> None:
        text, tokens = self._steps.pop() if self._open else ("", [])
        text, tokens = text + answer.text, tokens + answer.tokens
        self._open = answer.finish is not Finish.STEP or self._separator not in text.lstrip()
        self._steps.append((text, tokens))

    def steps(self, split: bool = False) -> tuple[Step, ...]:
        """Return at least one step; ``split`` cuts a text that came whole."""
        if split:
            texts = cut(self.text, self._separator)
            if len(texts) > (most := max(len(self.tokens), 1)):  # a step has a token at least
                texts = [*texts[: most - 1], "".join(texts[most - 1 :])]
            shares = share(len(self.tokens), texts)
            return tuple(Step(text, (0,) * count) for text, count in zip(texts, shares, strict=True))
        steps = list(self._steps) or [("", [])]
        if len(steps) > 1 and self._open and not steps[-1][0].strip():
            text, tokens = steps.pop()
            steps[-1] = (steps[-1][0] + text, steps[-1][1] + tokens)
        return tuple(Step(text, tuple(tokens)) for text, tokens in steps)


class Cut:
    """Reads a streamed completion up to the end of a step. Implements :class:`tts.engines.remote.client.Sink`.

    Attributes:
        count: tokens that the server counts, else one an event, which is how servers stream.
        reason: why the server stopped, in its words; None if missing.
        stepped: a separator was found, and what follows was dropped.
        answered: there was a choice in at least one event.
    """

    def __init__(self, separator: str, before: str) -> None:
        self._separator, self._skip = separator, len(before)
        self._all = before
        self._from = 0  # no separator ends before here
        self.count = 0
        self.reason: object = None
        self.stepped = self.answered = False

    @property
    def text(self) -> str:
        return whole(self._all[self._skip :])

    @property
    def complete(self) -> bool:
        return self.stepped or self.reason is not None

    def take(self, event: Json) -> bool:
        """Raises EngineError for a text that is none."""
        choice = first_choice(event)
        piece = spoken((choice or {}).get("text"))
        reason = (choice or {}).get("finish_reason")
        usage = event.get("usage")
        count = count_of(usage.get("completion_tokens")) if isinstance(usage, dict) else None
        if count is not None:
            self.count = count
        elif piece or (choice and reason is None):  # a token may have no text; the reason comes without one
            self.count += 1
        self.answered = self.answered or choice is not None
        self.reason = self.reason if reason is None else reason
        return self.add(piece)

    def add(self, piece: str) -> bool:
        """Add text; True when it completes a step."""
        self._all += piece
        blank = len(self._all) - len(self._all.lstrip()) if self._from == 0 else 0
        at = self._all.find(self._separator, max(blank, self._from))
        if piece and at >= 0:
            self._all = self._all[: at + len(self._separator)]
            self.stepped = True
            return True
        if blank < len(self._all):
            self._from = max(blank, len(self._all) - len(self._separator) + 1)
        return False


def spoken(content: object) -> str:
    """Return the text of an answer. Raises EngineError for what is none, such as a number."""
    if (text := text_of(content)) is None:
        raise EngineError(
            f"the server answered with {type(content).__name__} where a text belongs: is it OpenAI-compatible?"
        )
    return text


def cut(text: str, separator: str) -> list[str]:
    """Split a whole solution into steps: each ends with a separator, none is empty, trailing blanks make none."""
    steps, start = [], 0
    while True:
        blank = len(text) - len(text[start:].lstrip())
        at = text.find(separator, blank)
        if at < 0:
            break
        steps.append(text[start : at + len(separator)])
        start = at + len(separator)
    rest = text[start:]
    if steps and not rest.strip():
        steps[-1] += rest
    else:
        steps.append(rest)
    return steps


def share(total: int, texts: Sequence[str]) -> list[int]:
    """Divide a count of tokens among texts by their lengths, at least one each."""
    total = max(total, len(texts))
    length = sum(map(len, texts)) or 1
    bounds, seen = [0], 0
    for k, text in enumerate(texts, 1):
        seen += len(text)
        bounds.append(min(max(bounds[-1] + 1, round(total * seen / length)), total - (len(texts) - k)))
    bounds[-1] = total
    return [after - before for before, after in itertools.pairwise(bounds)]


def estimate(text: str) -> int:
    """Estimate the tokens of a text: four bytes each."""
    return -(-len(text.encode(errors="replace")) // 4)


def stand_ins(text: str, count: int) -> tuple[int, ...]:
    """Return placeholder ids, equal for equal texts only; the first is a hash of 48 bits, exact in JSON."""
    if count < 1:
        return ()
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6).digest()
    return (int.from_bytes(digest, "big"), *(0,) * (count - 1))


def counted(data: Json, text: str, most: int) -> int:
    """Return the tokens of an answer: the server's count, or an estimate if it is missing or exceeds ``most``.

    Never more than ``most``, the tokens asked for, and never none for a text that is not empty.
    """
    usage = data.get("usage")
    count = count_of(usage.get("completion_tokens")) if isinstance(usage, dict) else None
    return within(count, text, most)


def within(count: int | None, text: str, most: int) -> int:
    """Return whether a count of tokens is plausible, see :func:`counted`."""
    if count is None or count > most:
        count = min(estimate(text), most)
    return max(count, 1 if text else 0)
