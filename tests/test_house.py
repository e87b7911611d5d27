"""The figures of the code base, on a made-up one."""

from __future__ import annotations

import pytest

from tests.house import checkout, circles, figures, floors, modules, opens_with_a_verb, probes, rooms, table

FILES = {
    "tts/__init__.py": "from tts.api import solve",
    "tts/api.py": "from tts import search\nimport tts.search.run\ndef solve():\n    'Solve it.'\n    import tts.cost",
    "tts/search/__init__.py": "",
    "tts/search/run.py": "from tts.types import Node\nfrom tts.search.tree import Tree\ndef run(x):\n    'The run.'",
    "tts/search/tree.py": "def _grow(x):\n    return getattr(x, 'alive', True), getattr(x, name)",
    "tts/types.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tts.cost import Price",
    "tts/cost.py": "from tts.types import Node\ndef price():\n    pass",
    "tests/test_api.py": "import tts.api",
    "README.md": "four words are here",
}


def test_rooms_are_what_lies_directly_in_a_package_and_imports_count_once_wherever_they_are() -> None:
    found = rooms("tts", modules(FILES))
    assert found == {"api": {"search", "cost"}, "search": {"types"}, "types": {"cost"}, "cost": {"types"}}
    assert rooms("tts.search", modules(FILES)) == {"run": {"tree"}, "tree": set()}


def test_imports_for_types_close_a_circle_which_is_one_floor() -> None:
    imports = rooms("tts", modules(FILES))
    circle = circles(imports)
    assert circle["types"] == circle["cost"] == {"types", "cost"}
    assert circle["api"] == {"api"}
    assert floors(imports, circle) == 3  # api, search, and types with cost


def test_only_a_literal_name_is_a_probe() -> None:
    assert probes(modules(FILES)) == 1


def test_documentation_is_counted_in_functions() -> None:
    found = figures(FILES)
    assert found["public functions with a docstring, %"] == 66.7  # solve and run of solve, run and price
    assert found["docstrings of functions that open with a verb, %"] == 50.0
    assert found["longest files, lines"][0] == "tts/api.py 4"
    assert found["README, words"] == 4


@pytest.mark.parametrize(
    ("docstring", "verb"),
    [
        ("Return the plan.", True),
        ("Applies a step.", True),
        ("Name the data.", True),
        ("Name of the data.", False),
        ("Samples that a server gave.", False),
        ("Sample, then score.", True),
        ("The plan.", False),
        ("Whether it holds.", False),
        ("Bytes of a file.", False),
    ],
)
def test_a_noun_that_is_also_a_verb_is_known_by_the_next_word(docstring: str, verb: bool) -> None:
    assert opens_with_a_verb(docstring) is verb


def test_a_list_takes_a_line_for_each_element() -> None:
    assert table({"old": {"rooms": 9, "files": ["a", "b"]}, "now": {"rooms": 4, "files": []}}).splitlines() == [
        "       old  now",
        "rooms  9    4",
        "files  a",
        "       b",
    ]


def test_no_ability_is_looked_for_by_its_name() -> None:
    """They are declared, with defaults, in base classes and protocols."""
    assert probes(modules(checkout())) == 0
