"""What a user without Ray meets: every use of a cluster is one sentence, and the tests of clusters are skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import MIA, Tts
from tests.markdown import ROOT
from tts import solve_many
from tts.errors import MissingExtra

SENTENCE = "Ray is not installed: pip install 'tts-search[ray]'."
_BLOCKED = "import sys; sys.modules['ray'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"


@pytest.fixture(autouse=True)
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # the import then fails as without the package


@pytest.mark.parametrize(
    "words",
    [
        ("solve", "--file", "problems.jsonl", "--out", "answers.jsonl"),
        ("bench", "lab-500", "--out", "run"),
        ("serve",),
        ("pool", "fit", "--models", "lab-1m,lab-4m", "--data", "lab-500", "--out", "pool.json"),
        ("calibrate", "--out", "profile.json", "--data", "problems.jsonl"),
    ],
)
def test_a_command_says_what_to_install_before_anything_is_written(
    tts: Tts, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f'{{"problem": "{k}: {MIA}", "answer": "117"}}\n' for k in range(20))
    Path("problems.jsonl").write_text(rows, encoding="utf-8")
    done = tts(*words, "--ray", "auto")
    assert (done.code, done.err.splitlines()[-1]) == (2, f"tts: {SENTENCE}")
    assert [path.name for path in tmp_path.iterdir()] == ["problems.jsonl"]


def test_the_python_interface_says_what_to_install() -> None:
    with pytest.raises(MissingExtra) as refused:
        solve_many([MIA], ray="auto")
    assert str(refused.value) == SENTENCE


def test_the_tests_of_clusters_are_skipped_with_the_reason() -> None:
    words = [sys.executable, "-c", _BLOCKED, "tests/cluster/test_ray.py", "-rs", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert "Ray is not installed: pip install 'tts-search[ray]'" in done.stdout
    assert "1 skipped" in done.stdout
    assert done.returncode in (0, 5), done.stdout  # 5: nothing was collected
