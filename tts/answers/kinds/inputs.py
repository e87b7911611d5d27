"""Inputs for programs that are compared: those of the problem's examples, and others of the same types, seeded."""

from __future__ import annotations

import ast
import random
import re
from typing import Any

from tts.answers.kinds.programs import Task

_TRIES = 200
_KNOWN: dict[str, Any] = {
    "int": 7, "float": 2.5, "str": "hello world", "bool": True, "list": [3, 1, 2], "tuple": (1, 2), "dict": {"a": 1},
    "set": {1, 2}, "none": None,
}  # fmt: skip
_TRIED = (7, "hello world", [3, 1, 2])


def calls(task: Task, seed: str, count: int) -> list[str]:
    """Return calls of the task's function: its examples, then up to ``count`` with other arguments of their types."""
    given = [call for call, _ in task.calls]
    draw = random.Random(seed)
    models = [ast.parse(call, mode="eval").body for call in given] or _from_signature(task)
    found = dict.fromkeys(given)
    for _ in range(_TRIES if models else 0):
        if len(found) >= len(given) + count:
            break
        found[_varied(draw.choice(models), draw)] = None
    return list(found)


def lines(examples: list[str], seed: str, count: int) -> list[str]:
    """Return standard inputs: the examples, then up to ``count`` with other numbers and words."""
    draw = random.Random(seed)
    found = dict.fromkeys(examples)
    for _ in range(_TRIES if examples else 0):
        if len(found) >= len(examples) + count:
            break
        text = re.sub(r"-?\d+", lambda match: str(_int(int(match[0]), draw)), draw.choice(examples))
        found[text] = None
    return list(found)


def _varied(model: ast.expr, draw: random.Random) -> str:
    assert isinstance(model, ast.Call)
    values = [ast.literal_eval(value) for value in model.args]
    named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in model.keywords}
    places = [*range(len(values)), *named]
    for place in places:
        if draw.random() < 0.7 or len(places) == 1:
            if isinstance(place, int):
                values[place] = _other(values[place], draw)
            else:
                named[place] = _other(named[place], draw)
    arguments = [*map(repr, values), *(f"{name}={value!r}" for name, value in named.items())]
    return f"{ast.unparse(model.func)}({', '.join(arguments)})"


def _other(value: Any, draw: random.Random, depth: int = 0) -> Any:
    """Return another value of the same type, of about the same size."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return _int(value, draw)
    if isinstance(value, float):
        return draw.choice([0.0, -value, value + 1, value / 2, round(draw.uniform(-10, 10), 2)])
    if isinstance(value, str):
        return _text(value, draw)
    if isinstance(value, (list, tuple)):
        return type(value)(_items(list(value), draw, depth))
    if isinstance(value, (set, frozenset)):
        return type(value)(_items(sorted(value, key=repr), draw, depth))
    if isinstance(value, dict):
        kept = [pair for pair in value.items() if draw.random() < 0.8]
        return {key: _other(item, draw, depth + 1) for key, item in kept}
    return value


def _int(value: int, draw: random.Random) -> int:
    size = max(abs(value), 3)
    near = [value + 1, value - 1, 2 * value, draw.randint(0, size), draw.randint(0, 2 * size)]
    return draw.choice([*near, 0, 1, -value] if value < 0 else [*near, 0, 1, 2])


def _text(value: str, draw: random.Random) -> str:
    if not value:
        return draw.choice(["a", "ab a", "abba"])
    letters = list(value)
    draw.shuffle(letters)
    cut = draw.randint(0, len(value))
    return draw.choice(
        [value[::-1], value[:cut], value[cut:], "".join(letters), value + value[:cut], value.swapcase(), ""]
    )


def _items(values: list[Any], draw: random.Random, depth: int) -> list[Any]:
    if depth > 3:
        return values
    items = [_other(item, draw, depth + 1) if draw.random() < 0.5 else item for item in values]
    move = draw.randint(0, 4)
    if move == 0 and items:
        items.pop(draw.randrange(len(items)))
    elif move == 1 and items:
        items.append(draw.choice(items))
    elif move == 2:
        draw.shuffle(items)
    elif move == 3 and depth == 0 and draw.random() < 0.3:
        items = []
    return items


def _from_signature(task: Task) -> list[ast.expr]:
    """Return a call with a value for each annotated parameter; if one has no known type, calls with values to try."""
    if not task.stub:
        return []
    try:
        tree = ast.parse(f"{task.stub}\n    pass")
    except SyntaxError:
        return []
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == task.entry]
    if not functions:
        return []
    arguments = functions[-1].args
    needed = arguments.args[: len(arguments.args) - len(arguments.defaults)]
    values = [_of_type(argument.annotation) for argument in needed]
    if not values:
        return []
    tried = [values] if ... not in values else [[each] * len(values) for each in _TRIED]
    return [ast.parse(f"{task.entry}({', '.join(map(repr, each))})", mode="eval").body for each in tried]


def _of_type(annotation: ast.expr | None) -> Any:
    """Return a value of an annotated type; ``...`` for a type that is not known."""
    if annotation is None:
        return ...
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return None
    if isinstance(annotation, ast.BinOp):
        return _of_type(annotation.left)
    if not isinstance(annotation, ast.Subscript):
        return _KNOWN.get(ast.unparse(annotation).rpartition(".")[2].lower(), ...)
    outer = ast.unparse(annotation.value).rpartition(".")[2].lower()
    inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    values = [_of_type(each) for each in inner if not (isinstance(each, ast.Constant) and each.value is ...)]
    if any(value is ... for value in values):
        return ...
    if outer in ("list", "sequence", "iterable"):
        return [values[0], _other(values[0], random.Random(1)), _other(values[0], random.Random(2))]
    if outer == "tuple":
        return tuple(values)
    if outer == "dict" and len(values) == 2:
        return {"a" if isinstance(values[0], str) else 1: values[1]}
    return values[0] if outer in ("optional", "union") and values else ...
