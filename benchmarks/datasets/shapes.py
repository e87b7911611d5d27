"""Rows of multiple-choice and code data sets, brought to the fields that all data sets share.

ARC           {"id", "question", "choices": {"text": [...], "label": ["A", ...]}, "answerKey": "C"}
MMLU-Pro      {"question_id", "question", "options": [...], "answer": "I", "answer_index": 8, "category"}
GPQA          {"Record ID", "Question", "Correct Answer", "Incorrect Answer 1", ..., "High-level domain"}
HumanEval     {"task_id", "prompt", "canonical_solution", "test", "entry_point"}
MBPP          {"task_id", "text", "code", "test_list": [...], "test_setup_code"}
BIG-bench     {"input", "target"}
IFEval        {"key", "prompt", "instruction_id_list": [...], "kwargs": [{...}, ...]}
your own      {"problem", "options": [...], "answer": "B" or an option's text}, {"problem", "tests"}
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tts.answers.kinds.choice import LETTERS, options_of
from tts.answers.kinds.execution import unit_tests
from tts.answers.kinds.instruction_checks import CHECKS, checked
from tts.answers.kinds.number import is_number
from tts.errors import BadInput
from tts.files.json_text import dump

_MBPP = "You are an expert Python programmer, and here is your task: {} Your code should pass these tests:\n\n{}"
_HUMAN_EVAL = "Complete this Python function.\n\n```python\n{}\n```"
_PAIRS = (("yes", "no"), ("true", "false"), ("valid", "invalid"))
_LETTER = re.compile(r"\(([A-Z])\)")


def plain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row with ``problem``, ``answer``, ``id``, ``subject`` and ``kind``; one of another shape unchanged.

    Raises BadInput for one of these shapes with a field that does not fit.
    """
    for names, convert in _SHAPES:
        if all(row.get(name) is not None for name in names):
            return convert(row)
    return row


def _arc(row: Mapping[str, Any]) -> Mapping[str, Any]:
    labels, texts = map(list, (row["choices"]["label"], row["choices"]["text"]))
    if row["answerKey"] not in labels:
        raise BadInput("its `answerKey` is none of its labels.")
    right = LETTERS[labels.index(row["answerKey"])]  # some rows have 1 to 4 for letters
    return {"id": row.get("id"), "problem": _asked(row["question"], texts), "answer": right, "kind": "choice"}


def _options(row: Mapping[str, Any]) -> Mapping[str, Any]:
    texts = [str(option) for option in row["options"]]
    question = str(row.get("question") or row.get("problem") or "")
    answer = str(row["answer"]).strip()
    if answer not in LETTERS[: len(texts)]:
        if answer not in texts:
            raise BadInput("its `answer` is neither a letter of its `options` nor one of them.")
        answer = LETTERS[texts.index(answer)]
    found = {"id": row.get("question_id", row.get("id")), "subject": row.get("category", row.get("subject"))}
    return {**found, "problem": _asked(question, texts), "answer": answer, "kind": "choice"}


def _gpqa(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options are shuffled, as in the published evaluation; here by the row's own id."""
    name = str(row.get("Record ID") or row["Question"])
    right = str(row["Correct Answer"]).strip()
    texts = [right, *(str(row[f"Incorrect Answer {k}"]).strip() for k in (1, 2, 3))]
    random.Random(name).shuffle(texts)
    problem, answer = _asked(str(row["Question"]), texts), LETTERS[texts.index(right)]
    found = {"id": name, "subject": row.get("High-level domain")}
    return {**found, "problem": problem, "answer": answer, "kind": "choice"}


def _human_eval(row: Mapping[str, Any]) -> Mapping[str, Any]:
    tests = unit_tests(str(row["test"]), str(row["entry_point"]))
    found = {"id": str(row["task_id"]), "problem": _HUMAN_EVAL.format(str(row["prompt"]).rstrip())}
    return {**found, "answer": tests, "kind": "code"}


def _mbpp(row: Mapping[str, Any]) -> Mapping[str, Any]:
    tests = unit_tests([str(test) for test in row["test_list"]])
    setup = row.get("test_setup_code") or ""
    problem = _MBPP.format(str(row["text"]).strip(), tests)
    found = {"id": f"MBPP/{row['task_id']}", "problem": problem}
    return {**found, "answer": f"{setup}\n{tests}".strip(), "kind": "code"}


def _big_bench(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The kind is that of the subtask, which each of its answers shows: a letter, one of two words, a number, a text.

    A few rows have an option's text for its letter.
    """
    problem, answer = str(row["input"]), str(row["target"]).strip()
    letter, options = _LETTER.fullmatch(answer), options_of(problem)
    pair = next((",".join(pair) for pair in _PAIRS if answer.lower() in pair), "")
    kind = f"one-of:{pair}" if pair else "number" if is_number(answer) else "text"
    if letter or answer in options.values():
        kind = "choice"
        answer = letter[1] if letter else next(name for name, option in options.items() if option == answer)
    return {"id": row.get("id"), "problem": problem, "answer": answer, "kind": kind}


def _if_eval(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Hub files have all arguments of all instructions, null where they do not belong."""
    names, arguments = list(row["instruction_id_list"]), list(row["kwargs"])
    if not names or len(names) != len(arguments):
        raise BadInput("it has not one object of `kwargs` for each of `instruction_id_list`.")
    given: list[tuple[str, dict[str, Any]]] = [
        (str(name), {key: value for key, value in dict(found).items() if value is not None})
        for name, found in zip(names, arguments, strict=True)
    ]
    for name, found in given:
        if name in CHECKS:
            checked(name, found)
    problem, answer = str(row["prompt"]), dump(given)
    return {"id": row.get("key"), "problem": problem, "answer": answer, "kind": "instructions"}


def _tested(row: Mapping[str, Any]) -> Mapping[str, Any]:
    entry = row.get("entry_point")
    tests = unit_tests(row["tests"], entry if isinstance(entry, str) else "")
    return {**row, "answer": tests, "kind": row.get("kind") or "code"}


def _asked(question: str, options: Sequence[str]) -> str:
    if len(options) > len(LETTERS):
        raise BadInput(f"it has {len(options)} options; {len(LETTERS)} have a letter.")
    lines = [f"{letter}. {' '.join(str(option).split())}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([str(question).strip(), "", *lines])


_SHAPES = (
    (("question", "choices", "answerKey"), _arc),
    (("options", "answer"), _options),
    (("Question", "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"), _gpqa),
    (("task_id", "prompt", "test", "entry_point"), _human_eval),
    (("task_id", "text", "test_list"), _mbpp),
    (("input", "target"), _big_bench),
    (("prompt", "instruction_id_list", "kwargs"), _if_eval),
    (("tests",), _tested),
)
