"""The summary of a run: small enough to commit, the same bytes each time, escaped text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import summary
from benchmarks.report.curves import curves, gains
from benchmarks.report.runs import load
from tests.report.html.test_page import EVIL, PLANS, call
from tests.report.run import make, read, write
from tts.errors import BadInput

FIGURES = {f"accuracy-{name}.svg" for name in ("over-n", "over-flops", "over-paper-flops", "by-level", "by-difficulty")}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("run"), *PLANS, slip=0.6)


@pytest.fixture(scope="module")
def folder(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("docs") / "new" / "example"
    printed = call("report", run, "--out", out).splitlines()
    assert {Path(line).name for line in printed} == {file.name for file in out.iterdir()}
    return out


def test_a_folder_gets_a_page_its_markdown_its_figures_and_its_numbers(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {"report.html", "summary.md", "table.json", *FIGURES}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1_000_000
    text = (folder / "summary.md").read_text()
    for name in FIGURES:
        assert f"({name})" in text


def test_the_same_run_gives_the_same_bytes(run: Path, folder: Path, tmp_path: Path) -> None:
    call("report", run, "--out", tmp_path)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_the_numbers_are_those_of_the_rows(run: Path, folder: Path) -> None:
    table = json.loads((folder / "table.json").read_text())
    points = {(point["method"], point["n"]): point for point in table["points"]}
    for strategy, n in PLANS:
        mine = [row for row in read(run) if row["job"] == f"{strategy}/{n}"]
        point = points[strategy, n]
        assert point["how"] == "run"
        assert point["accuracy"] == pytest.approx(sum(row["correct"] for row in mine) / len(mine), abs=1e-6)
        tokens = sum(row["usage"]["policy_tokens"] for row in mine) / len(mine)
        assert point["tokens"] == pytest.approx(tokens, abs=0.01)
        value = f"{100 * point['accuracy']:.1f} [{100 * point['low']:.1f}, {100 * point['high']:.1f}]"
        lines = (folder / "summary.md").read_text().splitlines()
        line = next(line for line in lines if line.startswith(f"| {strategy} | "))
        assert value in line
    assert points["best-of-n", 2]["how"] == points["any of N right", 8]["how"] == "estimated"
    assert len(table["differences"]) == len(gains(curves(load([run]))))


def test_the_confidence_of_each_method_is_set_beside_its_right_answers(run: Path, folder: Path) -> None:
    table = json.loads((folder / "table.json").read_text())
    found = {row["method"]: row for row in table["confidence"]}
    assert set(found) == {strategy for strategy, _ in PLANS}, "what is estimated from samples has no confidence"
    for strategy, each in found.items():
        rows = [row for row in read(run) if row["job"] == f"{strategy}/{each['n']}" and row["answer"] is not None]
        gaps = [row["confidence"] - row["correct"] for row in rows]
        assert each["answers"] == len(rows)
        assert each["stated"] == pytest.approx(sum(row["confidence"] for row in rows) / len(rows), abs=1e-6)
        assert each["right"] == pytest.approx(sum(row["correct"] for row in rows) / len(rows), abs=1e-6)
        assert each["brier"] == pytest.approx(sum(gap**2 for gap in gaps) / len(rows), abs=1e-6)
        line = f"{each['calibration_error']:.3f} | {each['brier']:.3f} |"
        assert line in (folder / "summary.md").read_text()
        assert f">{each['brier']:.3f}<" in (folder / "report.html").read_text()


def test_a_page_too_heavy_is_thinned_out(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    call("report", run, "--out", tmp_path / "whole")
    whole = (tmp_path / "whole" / "report.html").stat().st_size
    monkeypatch.setattr(summary, "LIGHT", whole - 1)
    call("report", run, "--out", tmp_path / "thin")
    thin = (tmp_path / "thin" / "report.html").read_text()
    assert len(thin.encode()) < whole
    assert "the first 4 are drawn" in thin or "the first 2 are drawn" in thin


def test_markup_in_data_and_models_is_text(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", ("best-of-n", 2), ("beam-search", 2), slip=0.6)

    def hostile(row: dict[str, Any]) -> dict[str, Any]:
        name = f"{EVIL} | [click](http://elsewhere) `x` *y*\n# z"
        return row | {"dataset": name, "plan": row["plan"] | {"policy": name}}

    write(folder, [hostile(row) for row in read(folder)])
    call("report", folder, "--out", tmp_path / "out")
    text = (tmp_path / "out" / "summary.md").read_text()
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\]\(http", text)
    assert "\n# z" not in text
    assert "\\|" in text


def test_a_folder_that_cannot_be_made_is_one_sentence(run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"the folder .*file/example cannot be written"):
        call("report", run, "--out", tmp_path / "file" / "example")
