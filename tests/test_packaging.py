"""The wheel: its content, and its use outside a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.markdown import ROOT

pytestmark = pytest.mark.slow

ROOTS = ("tts", "prm", "strategies", "benchmarks")
DATA = (".safetensors", ".json", ".jsonl", ".jinja", ".md")
CHECKOUT_ONLY = (
    "benchmarks/lab/",
    "benchmarks/orchestra/",
    "benchmarks/routing/",
    "benchmarks/speed/",
    "benchmarks/study/",
)
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist", ".*")
QUESTION = "Mia has 17 marbles. She wins 25 more, then triples what she has, and gives 9 away. How many are left?"


def call(*arguments: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(a) for a in arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{arguments} exits with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because a build leaves files behind that a later one would pick up."""
    source = tmp_path_factory.mktemp("source")
    for root in ROOTS:
        shutil.copytree(ROOT / root, source / root, ignore=NOT_COPIED)
    for name in ("pyproject.toml", "README.md", "LICENSE", "cli.py"):
        shutil.copy(ROOT / name, source)
    # Things a checkout may hold that must not ship.
    (source / "tests").mkdir()
    (source / "tests" / "__init__.py").touch()
    (source / "tts" / "models" / "notes.txt").touch()
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source, cwd=source)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def sources(root: str, *suffixes: str) -> set[str]:
    """The files below a root of the checkout with one of these endings, as the wheel names them."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / root).rglob("*")
        if path.name.endswith(suffixes) and path.is_file() and "__pycache__" not in path.parts
    }


def modules() -> set[str]:
    """Every module but those that need a checkout."""
    found = {"cli.py"} | {name for root in ROOTS for name in sources(root, ".py")}
    return {name for name in found if not name.startswith(CHECKOUT_ONLY)}


def templates() -> set[str]:
    """The templates, styles and scripts of the pages."""
    pages = sources("benchmarks/report/html/templates", ".html.jinja", ".css")
    return pages | sources("tts/server/templates", ".html.jinja", ".css", ".js")


def test_every_module_that_needs_no_checkout_is_in_the_wheel(names: set[str]) -> None:
    assert modules() - names == set()


@pytest.mark.parametrize("module", CHECKOUT_ONLY)
def test_what_needs_a_checkout_is_not_in_the_wheel(names: set[str], module: str) -> None:
    assert not [name for name in names if name.startswith(module)]


def test_the_embedded_models_and_their_problems_are_in_the_wheel(names: set[str]) -> None:
    models, problems = sources("tts/models/builtin", *DATA), sources("benchmarks/word_problems", ".jsonl")
    assert any(name.endswith(".safetensors") for name in models)
    assert problems
    assert (models | problems) - names == set()


def test_all_weights_of_the_wheel_together_take_less_than_25_mb(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist() if each.filename.endswith(".safetensors")}
    assert "tts/models/builtin/lab-orchestrator/model.safetensors" in sizes
    assert sum(sizes.values()) < 25e6


def test_the_profiles_are_in_the_wheel(names: set[str]) -> None:
    assert sources("tts/selection/profiles", ".json") - names == set()


def test_the_templates_of_the_pages_are_in_the_wheel(names: set[str]) -> None:
    expected = templates()
    assert len(expected) > 7
    assert expected - names == set()


def test_types_and_licence_are_in_the_wheel(names: set[str]) -> None:
    assert {f"{root}/py.typed" for root in ROOTS} <= names
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    allowed = {"cli.py", *(f"{root}/py.typed" for root in ROOTS)}
    allowed |= modules() | sources("tts/models/builtin", *DATA) | sources("benchmarks/word_problems", ".jsonl")
    allowed |= sources("tts/selection/profiles", ".json")
    allowed |= templates()
    assert {name for name in names - allowed if ".dist-info/" not in name} == set()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that holds the wheel, and sees the third-party packages of this one.

    A path entry added by a .pth file has its own .pth files left unread, so the editable install of the checkout
    stays out of sight.
    """
    folder = tmp_path_factory.mktemp("clean") / "venv"
    call(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    call(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder.parent)
    purelib = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder.parent)
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(purelib.strip()) / "third_party.pth").write_text("\n".join(sorted(ours)) + "\n", encoding="utf-8")
    return folder


def test_the_installed_command_solves_a_problem_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    show = "import tts, cli, prm, strategies; print(*(m.__file__ for m in (tts, cli, prm, strategies)))"
    where = call(installed / "bin" / "python", "-c", show, cwd=tmp_path, env=env)
    assert all(Path(path).is_relative_to(installed) for path in where.split())

    called = call(installed / "bin" / "tts", "orchestrate", QUESTION, "--json", cwd=tmp_path, env=env)
    assert json.loads(called)["answer"] == "117"
    printed = call(installed / "bin" / "tts", "solve", QUESTION, "--json", cwd=tmp_path, env=env)
    solution = json.loads(printed)
    assert solution.keys() >= {"answer", "confidence", "plan", "usage", "stopped"}
    assert solution["answer"] == "117"  # (17 + 25) * 3 - 9
    assert 0 < solution["confidence"] <= 1
    assert list(tmp_path.iterdir()) == [], "solving leaves no files behind"
