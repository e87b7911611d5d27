"""Prompt forms shared by families of reward models: problem and steps to token ids. No torch, no transformers.

Every form is append-only: a step never changes the ids before it. For a model that reads one whole text, a piece is
tokenized after the text that it follows, and that text's ids are cut off. So a tokenizer that marks the start of a text
(sentencepiece's prefix space) does not mistake a step for one.

Problems and steps are text: the name of a control token in them stays plain text (:mod:`tts.models.text_encoder`), and
so does a mark that is a word of the vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tts.errors import BadInput, ModelError
from tts.models.text_encoder import TextEncoder
from tts.protocols import Read
from tts.types import Problem

# Beginnings and ends of texts that reveal a tokenizer that joins across steps, tried when a model is loaded.
_SAMPLE = (
    "What is 1 + 1?",
    ("1 + 1 = 2", "two lines:\n2 = 2.", "", "é数 = 2", "## Step", "(a)", "$x$", "- 3", "So it is $\\boxed{2}$."),
)
_OTHER = "it is of another family"
_JOINS = (
    f"the reward model's tokenizer joins tokens across steps: {_OTHER}, or its description needs other text between "
    "steps (docs/MODELS.md)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A text of problem and steps. Steps lose the white space around them, including the policy's separator.

    Attributes:
        opening: text before the steps, with ``{problem}`` in it.
        first, further: text before the first step, and before every further one.
        mark: text after each step; the score is read at its last token.
        apart: tokenize problem, steps and marks separately and join their ids, after the begin token.
        flatten: replace line breaks within a step by spaces.
    """

    opening: str = "{problem}"
    first: str = " "
    further: str = "\n"
    mark: str = ""
    apart: bool = False
    flatten: bool = False

    def __post_init__(self) -> None:
        if "{problem}" not in self.opening:
            raise BadInput(
                f"the opening of a reward model's prompt lacks the problem: write {{problem}} in {self.opening!r}."
            )

    def body(self, text: str) -> str:
        """Return a step's text as the model reads it."""
        if self.flatten:
            return " ".join(line for part in text.split("\n") if (line := part.strip()))
        return text.strip()


class TextFormat:
    """The prompt of a :class:`Form`. Implements :class:`tts.protocols.RewardFormat`.

    Raises:
        ModelError: the form has no mark, or the tokenizer joins what the form separates.
    """

    def __init__(self, form: Form, tokenizer: Any) -> None:
        if not form.mark:
            raise ModelError(
                'the reward model\'s form does not say what ends a step: write "mark" into its file (docs/MODELS.md).'
            )
        self._form, self._encoder = form, TextEncoder(tokenizer)
        self._encode = self._encoder.encode
        self._begin = [tokenizer.bos_token_id] if form.apart and tokenizer.bos_token_id is not None else []
        self._end = self._encode(form.mark if form.apart else "1" + form.mark)[-1]
        # A white-space mark may merge with the text before it: then its last token can be any.
        self._fixed = form.apart or bool(form.mark.strip())
        tail = form.opening.rpartition("{problem}")[2]
        self._before = tuple((before, self._encode(before)) for before in ("1" + tail, "1" + form.mark))
        self._spelling = _spelling(self._end, form.mark, self._encoder)
        self._check()

    def prompt(self, problem: Problem) -> tuple[int, ...]:
        text = self._opening(self._encoder.quote(problem.text))
        if self._form.apart:
            return (*self._begin, *self._spelled(self._encode(text)))
        return tuple(self._spelled(self._encode(text, special=True)))

    def step(self, index: int, text: str) -> Read:
        form = self._form
        body, before = self._encoder.quote(form.body(text)), form.further if index else form.first
        if form.apart:
            tokens = [*self._encode(before + body), *self._encode(form.mark)]
        else:
            if not body and form.mark[0].isspace():
                before = before.rstrip(" ")  # the mark already has the space
            tokens = self._behind(min(index, 1), before + body + form.mark, empty=not body)
        if self._fixed and tokens[-1] != self._end:
            raise ModelError(f"the tokenizer takes the mark {form.mark!r} into the step {form.body(text)!r}: {_OTHER}.")
        tokens = [*self._spelled(tokens[:-1]), tokens[-1]]
        return Read(tuple(tokens), len(tokens) - 1)

    def _opening(self, problem: str) -> str:
        return self._form.opening.replace("{problem}", problem if self._form.apart else problem.rstrip())

    def _behind(self, which: int, text: str, *, empty: bool) -> list[int]:
        """Return the ids of a text that follows the opening (0) or a mark (1).

        With an ``empty`` step two line breaks may meet, which some tokenizers join; they stay separate here.
        """
        before, ids = self._before[which]
        both = self._encode(before + text)
        if both[: len(ids)] == ids:
            return both[len(ids) :]
        if empty:
            return self._encode(text)
        raise ModelError(_JOINS)

    def _spelled(self, tokens: list[int]) -> list[int]:
        """Replace the mark's own token in a text by the tokens of its parts."""
        if not self._spelling or self._end not in tokens:
            return tokens
        return [part for token in tokens for part in (self._spelling if token == self._end else (token,))]

    def _check(self) -> None:
        """Tokenize one text both ways, to detect a tokenizer that joins across steps."""
        form, (problem, steps) = self._form, _SAMPLE
        pieces = [*self.prompt(Problem(problem)), *(t for k, s in enumerate(steps) for t in self.step(k, s).tokens)]
        bodies = [form.body(step) for step in steps]
        text = self._opening(problem) + form.first + form.further.join(body + form.mark for body in bodies)
        if not form.apart and pieces != self._encode(text, special=True):
            raise ModelError(_JOINS)


class ChatFormat:
    """A conversation: each step is a turn of the user, and the assistant answers ``good`` to each.

    The score is read before that answer, so the answer belongs to the tokens of the next step.

    Args:
        form: ``first`` is the text between the problem and the first step; the chat template defines the rest.
        tokenizer: tokenizer of the model.
        good: id of the token that the assistant answers.

    Raises:
        ModelError: the tokenizer has no chat template, or joins across turns.
    """

    def __init__(self, form: Form, tokenizer: Any, good: int) -> None:
        if not tokenizer.chat_template:
            raise ModelError("the reward model's tokenizer has no chat template: its prompt cannot be made.")
        self._form, self._tokenizer, self._encoder = form, tokenizer, TextEncoder(tokenizer)
        self._answer = tokenizer.backend_tokenizer.decode([good])
        # Positions of the contents in the template's text, found with random contents.
        marks = ["<<question>>", "<<first answer>>", "<<step>>", "<<second answer>>"]
        pieces = split(self._render([*marks]), marks)
        if pieces is None or pieces[1] != pieces[3]:
            raise ModelError(f"the reward model's chat template does not answer each step alike: {_OTHER}.")
        self._start, self._ask, self._next = pieces[:3]
        self._check()

    def prompt(self, problem: Problem) -> tuple[int, ...]:
        return tuple(self._encoder.encode(self._start + self._encoder.quote(problem.text.strip())))

    def step(self, index: int, text: str) -> Read:
        body = self._encoder.quote(self._form.body(text))
        lead = self._answer + self._next if index else self._form.first * bool(body)
        tokens = self._encoder.encode(lead + body + self._ask)
        return Read(tuple(tokens), len(tokens) - 1)

    def _render(self, contents: list[str]) -> str:
        turns = [{"role": ("user", "assistant")[k % 2], "content": content} for k, content in enumerate(contents)]
        text: str = self._tokenizer.apply_chat_template(turns, tokenize=False)
        return text

    def _check(self) -> None:
        problem, steps = _SAMPLE
        pieces = [*self.prompt(Problem(problem)), *(t for k, s in enumerate(steps) for t in self.step(k, s).tokens)]
        first, *further = (self._form.body(step) for step in steps)
        turns = [problem + self._form.first + first, *further]
        whole = self._encoder.encode(self._render([content for turn in turns for content in (turn, self._answer)]))
        if pieces != whole[: len(pieces)]:
            raise ModelError(_JOINS)


def _spelling(end: int, mark: str, encoder: TextEncoder) -> tuple[int, ...]:
    """Return the two tokens that spell a mark which is a word of the vocabulary; none for other marks."""
    core: Any = encoder.core
    word = core.id_to_token(end)
    if not mark.strip() or word in encoder.controls or core.decode([end]).strip() != mark.strip():
        return ()
    cuts = ((core.token_to_id(word[:k]), core.token_to_id(word[k:])) for k in range(len(word) - 1, 0, -1))
    return next((parts for parts in cuts if None not in parts), ())


def split(text: str, marks: list[str]) -> list[str] | None:
    """Return the texts before, between and after ``marks``, each found once and in order; else None."""
    pieces = []
    for mark in marks:
        before, found, text = text.partition(mark)
        if not found or mark in text:
            return None
        pieces.append(before)
    return [*pieces, text]
