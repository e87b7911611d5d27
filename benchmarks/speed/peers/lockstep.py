"""A reimplementation of search-and-learn's loop for beam search and DVTS, as a control.

It does what that program does, in its order. One problem at a time. Each round applies the chat template to every
beam's conversation and tokenizes it from the start, samples one step for all of them and waits for the slowest, then
scores the whole text of every beam from its first token and waits for that. Kept beams are copied until there are N
again. It stops when every beam of a round has ended, or after 40 rounds, the last of which runs to the end. It does
not stop at N finished beams.

Two things are better here, in its favour: the text for the reward model has no empty last step, and only the finished
solutions of a DVTS vote.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tts.answers.extract import extract
from tts.types import Candidate, Finish


@dataclass(frozen=True, slots=True)
class Beam:
    """A partial text with its step scores, and why its last piece ended."""

    text: str = ""
    finish: Finish = Finish.STEP
    scores: tuple[float, ...] = ()

    @property
    def score(self) -> float:
        return self.scores[-1] if self.scores else 0.0

    @property
    def ended(self) -> bool:
        return self.finish is not Finish.STEP


@dataclass(frozen=True, slots=True)
class Piece:
    """The text that the policy added to one answer."""

    text: str
    finish: Finish


Write = Callable[[str, Sequence[str], bool], Awaitable[list[Piece]]]
"""(question, answers so far, to the end?) -> one piece per answer."""
Judge = Callable[[str, Sequence[str]], Awaitable[list[tuple[float, ...]]]]
"""(question, answers so far) -> the score of every step of each answer."""


@dataclass(frozen=True, slots=True)
class Lockstep:
    """Parameters of the loop.

    Attributes:
        n: number of beams.
        width: M: N/M are kept each round, and each is copied M times.
        rounds: limit of rounds.
        distinct: keep equal texts once (as in search-and-learn's recipes).
        enough: also stop at so many ended beams; the published loop does not.
    """

    n: int = 16
    width: int = 4
    rounds: int = 40
    distinct: bool = True
    enough: int | None = None

    async def beam_search(self, question: str, write: Write, judge: Judge) -> list[Beam]:
        """Return N ended beams, best first, repeated if there are fewer."""
        ended: list[Beam] = []
        active = [Beam()]
        for turn in range(1, self.rounds + 1):
            grown = await self._advance(question, repeated(active, self.n), write, judge, turn)
            ended += [beam for beam in grown if beam.ended]
            active = [beam for beam in grown if not beam.ended]
            if not active or (self.enough is not None and len(ended) >= self.enough):
                break
            if self.distinct:
                active = list({beam.text: beam for beam in active}.values())
            active = sorted(active, key=lambda beam: beam.score, reverse=True)[: max(1, self.n // self.width)]
        return repeated(sorted(ended, key=lambda beam: beam.score, reverse=True), self.n)

    async def dvts(self, question: str, write: Write, judge: Judge) -> list[Beam]:
        """Return the last M beams of each of N/M subtrees, unfinished ones included."""
        trees = [Beam()] * max(1, self.n // self.width)
        last: list[list[Beam]] = [[] for _ in trees]
        for turn in range(1, self.rounds + 1):
            going = [k for k, tree in enumerate(trees) if not tree.ended]
            if not going:
                break
            copies = [trees[k] for k in going for _ in range(self.width)]
            grown = await self._advance(question, copies, write, judge, turn)
            for place, k in enumerate(going):
                last[k] = grown[place * self.width : (place + 1) * self.width]
                trees[k] = max(last[k], key=lambda beam: beam.score)
        return [beam for siblings in last for beam in siblings]

    async def _advance(self, question: str, beams: Sequence[Beam], write: Write, judge: Judge, turn: int) -> list[Beam]:
        """Run one round: a step for each beam, then the scores of each whole text."""
        pieces = await write(question, [beam.text for beam in beams], turn == self.rounds)
        texts = [beam.text + piece.text for beam, piece in zip(beams, pieces, strict=True)]
        scores = await judge(question, texts)
        finishes = [piece.finish if piece.text else Finish.LENGTH for piece in pieces]
        return [Beam(*parts) for parts in zip(texts, finishes, scores, strict=True)]


def repeated(beams: Sequence[Beam], n: int) -> list[Beam]:
    """Repeat the beams until there are ``n``, or return the first ``n``; nothing for no beams."""
    return (list(beams) * (n // len(beams) + 1))[:n] if beams else []


def candidates(beams: Sequence[Beam]) -> list[Candidate]:
    """Convert the beams to candidates for the votes."""
    return [
        Candidate(
            str(k), tuple(split(beam.text)), beam.finish, extract(beam.text) if beam.finish is Finish.STOP else None,
            beam.scores, beam.score,
        )
        for k, beam in enumerate(beams)
    ]  # fmt: skip


def split(text: str) -> list[str]:
    """Split a text into steps, as for a reward model's prompt."""
    return [step for step in text.strip().split("\n\n") if step.strip()]
