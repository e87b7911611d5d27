"""The published loop as a control: search-and-learn's beam search and DVTS, written anew from how it works.

It does what that program does, in its order: one problem at a time; each round puts every beam's conversation so far
through the chat template and tokenizes it from the beginning, samples one step for all of them and waits for the
slowest, then scores the whole text of every beam from its first token and waits for that; what is kept is copied until
there are N again; it stops when every beam of a round has ended, or after 40 rounds, the last of which runs to the end.
It does not stop at N finished beams.

Two things are done better than there, in its favour: the text handed to the reward model has no empty last step, and of
a DVTS only the finished solutions vote.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tts.answers.extract import extract
from tts.types import Candidate, Finish


@dataclass(frozen=True, slots=True)
class Beam:
    """A text under way, with the scores of its steps and why its last piece ended."""

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
    """What the policy added to one text."""

    text: str
    finish: Finish


Write = Callable[[str, Sequence[str], bool], Awaitable[list[Piece]]]
"""(question, answers so far, to the end?) -> one piece for each answer."""
Judge = Callable[[str, Sequence[str]], Awaitable[list[tuple[float, ...]]]]
"""(question, answers so far) -> the score of every step of each answer."""


@dataclass(frozen=True, slots=True)
class Lockstep:
    """The loop's parameters.

    Attributes:
        n: beams.
        width: M: N/M are kept each round, and each is copied M times.
        rounds: most rounds.
        distinct: texts that are equal are kept once (as in search-and-learn's recipes).
        enough: stop at so many ended beams as well; the published loop does not.
    """

    n: int = 16
    width: int = 4
    rounds: int = 40
    distinct: bool = True
    enough: int | None = None

    async def beam_search(self, question: str, write: Write, judge: Judge) -> list[Beam]:
        """N ended beams, the best first, repeated where there are fewer."""
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
        """The last M beams of each of N/M subtrees; unfinished ones are among them."""
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
        """One round: a step for each beam, then the scores of each whole text."""
        pieces = await write(question, [beam.text for beam in beams], turn == self.rounds)
        texts = [beam.text + piece.text for beam, piece in zip(beams, pieces, strict=True)]
        scores = await judge(question, texts)
        finishes = [piece.finish if piece.text else Finish.LENGTH for piece in pieces]
        return [Beam(*parts) for parts in zip(texts, finishes, scores, strict=True)]


def repeated(beams: Sequence[Beam], n: int) -> list[Beam]:
    """The beams over and over until there are ``n``, or the first ``n``; none of none."""
    return (list(beams) * (n // len(beams) + 1))[:n] if beams else []


def candidates(beams: Sequence[Beam]) -> list[Candidate]:
    """The beams as the votes take them."""
    return [
        Candidate(
            str(k), tuple(split(beam.text)), beam.finish, extract(beam.text) if beam.finish is Finish.STOP else None,
            beam.scores, beam.score,
        )
        for k, beam in enumerate(beams)
    ]  # fmt: skip


def split(text: str) -> list[str]:
    """The steps of a text, as a reward model's prompt is made from it."""
    return [step for step in text.strip().split("\n\n") if step.strip()]
