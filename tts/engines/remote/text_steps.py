"""What a server's answers bring, cut into steps: by token ids where it tells them, else by text to the same rules."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tts.engines.remote.client import Json
from tts.engines.step_splitter import Splitter
from tts.types import Finish, Step

ENDED = ("stop", "eos", "eos_token")  # what servers call an end that is no limit


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought: text, token ids (zeros where they are not known), and why it stopped."""

    text: str
    tokens: list[int]
    finish: Finish


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
        """True when the last answer completed a step."""
        return bool(self._steps) and not self._open

    def take(self, answer: Answer) -> None:
        text, tokens = self._steps.pop() if self._open else ("", [])
        text, tokens = text + answer.text, tokens + answer.tokens
        self._open = answer.finish is not Finish.STEP or self._separator not in text.lstrip()
        self._steps.append((text, tokens))

    def steps(self, split: bool = False) -> tuple[Step, ...]:
        """At least one step; ``split`` cuts a text that came whole."""
        if split:
            texts = cut(self.text, self._separator)
            shares = share(len(self.tokens), texts)
            return tuple(Step(text, (0,) * count) for text, count in zip(texts, shares, strict=True))
        steps = list(self._steps) or [("", [])]
        if len(steps) > 1 and self._open and not steps[-1][0].strip():
            text, tokens = steps.pop()
            steps[-1] = (steps[-1][0] + text, steps[-1][1] + tokens)
        return tuple(Step(text, tuple(tokens)) for text, tokens in steps)


class Cut:
    """Reads a streamed completion up to the end of a step. Implements :class:`tts.engines.remote.client.Sink`.

    ``count`` is what the server counts, else one token an event, which is how servers stream.
    """

    def __init__(self, separator: str, before: str) -> None:
        self._separator, self._before = separator, before
        self.text = ""
        self.count = 0
        self.finish = Finish.LENGTH

    def take(self, event: Json) -> bool:
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        piece, reason = str(choice.get("text") or ""), choice.get("finish_reason")
        if isinstance(usage := event.get("usage"), dict) and isinstance(usage.get("completion_tokens"), int):
            self.count = usage["completion_tokens"]
        elif piece or (choice and reason is None):  # a token may have no text; the reason comes without one
            self.count += 1
        self.text += piece
        whole = self._before + self.text
        start = len(whole) - len(whole.lstrip())
        if piece and (at := whole.find(self._separator, start)) >= 0:
            self.text = whole[: at + len(self._separator)][len(self._before) :]
            self.finish = Finish.STEP
            return True
        if reason in ENDED:
            self.finish = Finish.STOP
        return False


def cut(text: str, separator: str) -> list[str]:
    """A whole solution in steps: each ends with a separator, none is empty, blanks at the end make none."""
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
    """About how many tokens a text is, where nobody counted: four bytes each."""
    return -(-len(text.encode()) // 4)


def stand_ins(text: str, count: int) -> tuple[int, ...]:
    """So many ids that are equal for equal texts only; the first is a hash of 48 bits, which JSON keeps exactly."""
    if count < 1:
        return ()
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6).digest()
    return (int.from_bytes(digest, "big"), *(0,) * (count - 1))


def counted(data: Json, text: str) -> int:
    """Tokens that the server says it sampled, else an estimate; never none for a text that is not empty."""
    usage = data.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return max(count, 1 if text else 0) if isinstance(count, int) else estimate(text)
