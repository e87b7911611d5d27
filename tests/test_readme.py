"""What the README shows works: its examples run in order, in one empty folder, with the embedded models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.markdown import ROOT, Block, examples, run

README = ROOT / "README.md"
EXAMPLES = examples(README.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader")


@pytest.mark.skipif(not EXAMPLES, reason="README.md shows no example that can be run")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: f"line-{block.line}")
def test_an_example_of_the_readme_runs(example: Block, folder: Path) -> None:
    run(example, folder)


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
