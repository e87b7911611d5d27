"""The examples of README.md and of two docs pages run, page by page, in one empty folder, with the built-in models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import Tts
from tests.markdown import ROOT, Block, examples, run

PAGES = ("README.md", "docs/USAGE.md", "docs/MODELS.md", "docs/KINDS.md")
EXAMPLES = [(page, block) for page in PAGES for block in examples((ROOT / page).read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {page: tmp_path_factory.mktemp("reader") for page in PAGES}


@pytest.mark.parametrize(("page", "example"), [pytest.param(p, b, id=f"{p}-line-{b.line}") for p, b in EXAMPLES])
def test_an_example_of_the_documentation_runs(page: str, example: Block, folders: dict[str, Path], tts: Tts) -> None:
    run(example, folders[page], tts)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_examples_that_run(page: str) -> None:
    assert any(example.language == "python" for shown, example in EXAMPLES if shown == page)


PAGE = """
```console
$ tts solve "1 + 1" \\
    --json
{"answer": "2"}
$ pip install .
# tts is not run here
```
```python
print(1)
```
```python no-run
raise SystemExit(1)
```
```json
{}
```
"""


def test_commands_and_python_are_examples_and_output_is_not() -> None:
    shell, python = examples(PAGE)
    assert shell.commands == ['tts solve "1 + 1" --json']
    assert (python.language, python.code, python.line) == ("python", "print(1)\n", 9)


def test_an_example_that_fails_fails_the_test(tmp_path: Path) -> None:
    (block,) = examples("```python\nraise SystemExit('broken')\n```\n")
    with pytest.raises(AssertionError, match="broken"):
        run(block, tmp_path)
