"""Which answers are the same, and that finding out is bounded in time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tts.answers.equivalence import Equivalence
from tts.answers.math_verify_pool import Judge, Worker

needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")  # noqa: PTH112


@pytest.fixture(scope="module")
def same() -> Iterator[Equivalence]:
    with Equivalence(seconds=5) as equivalence:
        yield equivalence


@pytest.fixture
def no_algebra(monkeypatch: pytest.MonkeyPatch) -> Equivalence:
    def refuse(*_: object) -> bool:
        raise AssertionError("started a process for something that spelling decides")

    equivalence = Equivalence()
    monkeypatch.setattr(equivalence.judge, "ask", refuse)
    return equivalence


CHEAP_EQUAL = [
    ("25", "025"), ("0.5", r"\frac12"), ("1/2", r"\dfrac{2}{4}"), ("x=5", "5"), ("10 cm", "10"), ("90^\\circ", "90"),
    (r"864 \mbox{ inches}^2", "864"), ("10weeks", "10"), (r"\text{Evelyn}", "Evelyn"), ("2516_8", "2516"),
    ("1,2", "2, 1"), (r"\{1,2\}", r"\{2,1\}"), (r"\pm 5", "5,-5"), ("1/3", "0.333333333"), ("50%", "50"),
    ("(1,2), (3,4)", r"(3,4) \text{ and } (1,2)"), (r"p=5,q=2;p=7,q=2", "(5,2),(7,2)"), ("20:34", "20:34:00"),
]  # fmt: skip

CHEAP_DIFFERENT = [
    ("100", "1"), ("1", "0.01"), ("50%", "0.5"), ("[2,5)", "(2,5)"), ("(2,5)", "[2,5]"), ("(1,2)", "(2,1)"),
    ("(1,2)", r"\{1,2\}"), (r"\text{east}", r"\text{west}"), ("east", "seat"), ("10 cm", "10 m"), ("0.33", "1/3"),
    (r"10\text{ a.m.}", r"10\text{ p.m.}"), (r"5\text{ million}", "5"), ("2516_8", "2516_9"), ("12:00", "1:00"),
    ("3,4", "3,4,5"), ("1,234", "(1,234)"), ("5", "5.0000001"), ("", "?"),
]  # fmt: skip

ALGEBRA_EQUAL = [
    (r"\sqrt{117}", r"3\sqrt{13}"), ("(x-2)(x+2)", "x^2-4"), (r"(3,\frac{\pi}{2})", r"\left(3, \pi/2\right)"),
    (r"1 \pm \sqrt{19}", r"1-\sqrt{19}, 1+\sqrt{19}"), ("1+2i", "i(2-i)"), ("x^2+y^2=1", "y^2+x^2=1"),
    (r"\frac{\sqrt{3}}{2}", "0.8660254037844386"), (r"3\sqrt{2}\text{ cm}", r"\sqrt{18}"),
]  # fmt: skip

ALGEBRA_DIFFERENT = [
    ("(a+5)(b+2)", "(+5)(b+2)"), (r"1+\sqrt{19}", r"1 \pm \sqrt{19}"), ("x=1", "y=1"), ("x>5", "x<5"), ("x+2", "x+1"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), CHEAP_EQUAL)
def test_spelling_alone_finds_these_equal(no_algebra: Equivalence, a: str, b: str) -> None:
    assert no_algebra.equivalent(a, b)
    assert no_algebra.equivalent(b, a)


@pytest.mark.parametrize(("a", "b"), CHEAP_DIFFERENT)
def test_spelling_alone_tells_these_apart(no_algebra: Equivalence, a: str, b: str) -> None:
    assert not no_algebra.equivalent(a, b)
    assert not no_algebra.equivalent(b, a)


@pytest.mark.parametrize(("a", "b"), ALGEBRA_EQUAL)
def test_algebra_finds_these_equal(same: Equivalence, a: str, b: str) -> None:
    assert same.equivalent(a, b)
    assert same.equivalent(b, a)


@pytest.mark.parametrize(("a", "b"), ALGEBRA_DIFFERENT)
def test_algebra_tells_these_apart(same: Equivalence, a: str, b: str) -> None:
    assert not same.equivalent(a, b)
    assert not same.equivalent(b, a)


def test_the_gold_answer_decides_the_form(same: Equivalence) -> None:
    assert same.grade("1 \\pm \\sqrt{19}", "1+\\sqrt{19}, 1-\\sqrt{19}")
    assert same.grade("025", "25")
    assert not same.grade("x < 4", "4")


def test_classes_are_numbered_as_they_appear(same: Equivalence) -> None:
    assert same.group(["2", "1/2", "2.0", r"\sqrt{8}", "0.5", r"2\sqrt{2}", "?", "2"]) == [0, 1, 0, 2, 1, 2, 3, 0]
    assert same.group([]) == []


def test_known_verdicts_are_not_asked_again() -> None:
    with Equivalence() as equivalence:
        asked: list[tuple[str, str]] = []

        def count(gold: str, answer: str, symmetric: bool = True) -> bool | None:
            asked.append((gold, answer))
            return False

        equivalence.judge.ask = count  # type: ignore[method-assign]
        equivalence.group([r"\sqrt{2}", r"\sqrt 2", r"\sqrt{3}", r"\sqrt{3}"])
        equivalence.group([r"\sqrt{3}", r"\sqrt{2}"])
        assert len(asked) == 1


def test_a_comparison_that_hangs_is_killed_and_the_next_one_works() -> None:
    judge = Judge(seconds=1, workers=1)
    assert judge.ask("x+x", "2x") is True
    (stuck,) = judge.pids
    os.kill(stuck, signal.SIGSTOP)  # a stopped process uses no processor time: the limit of wall time has to end it
    start = time.monotonic()
    assert judge.ask("x+x", "3x") is None
    assert 3 < time.monotonic() - start < 8
    assert judge.pids == []
    assert judge.ask("x+x", "2x") is True
    (killed,) = judge.pids
    os.kill(killed, signal.SIGKILL)  # and one that died between two questions is replaced as well
    time.sleep(0.1)
    assert judge.ask("x+x", "2x") is True
    assert not {stuck, killed} & set(judge.pids)
    judge.close()


@pytest.mark.parametrize("answer", ["{" * 10**6, "9^9^9^9", "1" * 10**6, r"\frac{" * 300, "(" * 1500, r"\sqrt" * 300])
def test_pathological_answers_cost_no_more_than_the_limit(same: Equivalence, answer: str) -> None:
    start = time.monotonic()
    assert not same.equivalent(answer, "x+1")
    assert same.equivalent(answer, answer)
    assert time.monotonic() - start < 4 * 5 + 5


def test_it_works_in_threads_and_in_an_event_loop(same: Equivalence) -> None:
    verdicts: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: verdicts.append(same.equivalent(f"x+{n}x", f"{n + 1}x"))) for n in (2, 3, 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 3
    assert asyncio.run(same.group_async(["y+y", "2y", "3y"])) == [0, 0, 1]


@needs_proc
def test_no_worker_outlives_its_parent_however_that_ends() -> None:
    pids = []
    code = (
        "import os, tts.answers.equivalence as e; e.equivalent('x+x', '2x'); print(e._shared.judge.pids[0], flush=True)"
    )
    for ending in ("", "; os.kill(os.getpid(), 9)"):
        out = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=False)
        pids.append(int(out.stdout))
    deadline = time.monotonic() + 10
    while any(map(_runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_runs, pids))


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_close_ends_the_process_and_may_come_twice() -> None:
    worker = Worker(1.0)
    assert worker.alive
    worker.close()
    worker.close()
    assert not worker.alive
