"""Ends of steps for tokens of every shape."""

from __future__ import annotations

import random

import pytest
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from tts.engines.step_splitter import Splitter, Stepper
from tts.types import Finish, Until

END = 99
PIECES = {
    0: "a", 1: " b", 2: "\n", 3: "\n\n", 4: ".\n\n", 5: "\n\n\n", 6: " ", 7: ".\n\nThen", END: "",
}  # fmt: skip


def run(*tokens: int, before: tuple[int, ...] = ()) -> Stepper:
    splitter = Splitter(lambda ids: "".join(PIECES[i] for i in ids), "\n\n", [END])
    stepper = splitter.start(before)
    for token in tokens:
        stepper.push(token)
    return stepper


@pytest.mark.parametrize(
    ("tokens", "steps"),
    [
        ((0, 3), [("a\n\n", (0, 3))]),
        ((0, 4), [("a.\n\n", (0, 4))]),
        ((0, 2, 2), [("a\n\n", (0, 2, 2))]),
        ((0, 7), [("a.\n\nThen", (0, 7))]),
        ((0, 5, 1), [("a\n\n\n", (0, 5)), (" b", (1,))]),
        ((3, 0, 3), [("\n\na\n\n", (3, 0, 3))]),  # a leading break makes no empty step
        ((0, 3, 3, 1, 3), [("a\n\n", (0, 3)), ("\n\n b\n\n", (3, 1, 3))]),
        ((0, 3, 1, END), [("a\n\n", (0, 3)), (" b", (1, END))]),
        ((0, 3, END), [("a\n\n", (0, 3, END))]),  # nor does a trailing one
        ((0, 3, 2, 6, END), [("a\n\n\n ", (0, 3, 2, 6, END))]),
        ((END,), [("", (END,))]),
        ((3, END), [("\n\n", (3, END))]),
        ((), [("", ())]),
    ],
)
def test_steps(tokens: tuple[int, ...], steps: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(s.text, s.tokens) for s in run(*tokens).steps()] == steps


def test_push_says_when_a_step_or_the_solution_is_complete() -> None:
    stepper = run()
    assert [stepper.push(token) for token in (0, 3, 3, 1, 2, 2, 0, END)] == [
        False, True, False, False, False, True, False, True,
    ]  # fmt: skip
    assert stepper.ended
    assert not stepper.between


def test_between_is_true_only_right_after_a_step() -> None:
    stepper = run(0)
    assert not stepper.between
    stepper.push(3)
    assert stepper.between
    stepper.push(0)
    assert not stepper.between


@pytest.mark.parametrize(
    ("steps", "taken"),
    [(1, (0, 3)), (2, (0, 3, 3, 1, 3)), (3, (0, 3, 3, 1, 3, 0, 4)), (9, (0, 3, 3, 1, 3, 0, 4, 1, END))],
)
def test_taking_ends_with_as_many_steps_as_are_wanted_or_with_the_solution(steps: int, taken: tuple[int, ...]) -> None:
    stepper = run()
    assert stepper.take((0, 3, 3, 1, 3, 0, 4, 1, END, 0, 0), Until.STEP, steps)
    assert tuple(stepper.tokens) == taken
    assert stepper.finish(Until.STEP) is (Finish.STOP if taken[-1] == END else Finish.STEP)
    assert len(stepper.steps()) == min(steps, 4)


def bpe() -> Tokenizer:
    """A byte-level vocabulary that splits most characters beyond ASCII into several tokens."""
    core = Tokenizer(BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        special_tokens=["<e>"],
    )
    core.train_from_iterator(["so the sum.\n\nStep 2: add it.\n\n\n\nthe answer\n\n"] * 20, trainer)
    return core


def test_text_is_whole_whatever_the_bytes_of_its_tokens() -> None:
    core = bpe()
    end = core.token_to_id("<e>") or 0
    splitter = Splitter(lambda ids: core.decode(list(ids)), "\n\n", [end])
    words = ["sum", " é", "数学", "🙂🙂", ".\n\n", "\n\n", "\n", " the answer", "\n\n\n", "ß"]
    for seed in range(200):
        rng = random.Random(seed)
        text = "".join(rng.choices(words, k=rng.randint(1, 25)))
        tokens = core.encode(text).ids
        stepper = splitter.start(core.encode("the prompt 🙂").ids)
        for token in [*tokens, end]:
            stepper.push(token)
        steps = stepper.steps()
        assert "".join(step.text for step in steps) == text
        assert [t for step in steps for t in step.tokens] == [*tokens, end]
        assert all("\n\n" in step.text.lstrip() for step in steps[:-1])
        assert all(step.text.strip() for step in steps) or len(steps) == 1
        assert "\n\n" not in steps[-1].text.strip()


def test_a_decoder_that_drops_leading_spaces_keeps_those_between_steps() -> None:
    words = {0: "▁so", 1: "▁it", 2: "\n\n", 3: "▁is"}
    splitter = Splitter(lambda ids: "".join(words[i] for i in ids).replace("▁", " ").removeprefix(" "), "\n\n", [])
    stepper = splitter.start([0])
    for token in (1, 2, 3):
        stepper.push(token)
    assert [step.text for step in stepper.steps()] == [" it\n\n", " is"]


def test_text_is_decoded_only_where_a_step_may_end() -> None:
    calls = []

    def decode(ids: object) -> str:
        calls.append(ids)
        return "".join(PIECES[i] for i in ids)  # type: ignore[attr-defined]

    stepper = Splitter(decode, "\n\n", [END]).start([0])
    for _ in range(1000):
        stepper.push(0)
    assert len(calls) == 1
