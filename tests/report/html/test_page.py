"""The page of a report: its content, no external resources, and escaped model text."""

from __future__ import annotations

import json
import re
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from typer.testing import CliRunner

from benchmarks.report import paper
from benchmarks.report.colours import DARK, LIGHT
from benchmarks.report.curves import curves
from benchmarks.report.html import cases
from benchmarks.report.html.render import render
from benchmarks.report.html.tree import Chain
from benchmarks.report.runs import load
from cli import app
from tests.report import browser
from tests.report.markup import parse
from tests.report.pictures import corner
from tests.report.run import PROBLEMS, make, read, write
from tts.errors import BadInput, MissingExtra
from tts.trace import Trace

PLANS = (("best-of-n", 8), ("beam-search", 4), ("beam-search", 8), ("dvts", 8))
EVIL = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">&amp;"
    "' onmouseover='taken() {{ 7 * 7 }} javascript:taken()"
)
CHOSEN = EVIL.replace("taken", "chosen")


def n_of(row: dict[str, Any]) -> int:
    return int(row["plan"]["n"])


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("run"), *PLANS, traces=True, slip=0.6)


@pytest.fixture(scope="module")
def page(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "report.html"
    call("report", run, "--out", out)
    return out


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a run in which every text that comes from data or a model tries to run a script."""
    folder = make(tmp_path_factory.mktemp("hostile"), ("best-of-n", 4), ("beam-search", 4), ("dvts", 4), slip=0.6)
    rows = read(folder)
    for at, row in enumerate(rows):
        row["id"] = f"{EVIL} {at % len(PROBLEMS)}"
        row["problem"] = row["gold"] = row["subject"] = row["dataset"] = EVIL
        row["plan"] |= {"policy": EVIL, "prm": EVIL, "reason": EVIL}
        row["correct"] = at % 2 == (at < len(PROBLEMS))
        if row["job"] == "dvts/4":  # a selector's job: the page names the strategy that it chose
            row["job"] = f"{EVIL}/4"
            row["plan"]["strategy"] = CHOSEN
        row["answer"] = None if row["answer"] is None else EVIL
        for candidate in row["candidates"]:
            candidate["steps"] = [EVIL for _ in candidate["steps"]]
            candidate["answer"] = EVIL
        if at == 3:
            row["error"] = EVIL
    write(folder, rows)
    (folder / "manifest.json").write_text(json.dumps({EVIL: EVIL, "list": [EVIL], "settings": {"part": EVIL}}))
    out = folder / "report.html"
    call("report", folder, "--out", out, "--title", EVIL)
    return out


def test_the_table_holds_each_search_at_each_n(run: Path, page: Path) -> None:
    rows = read(run)
    text = page.read_text()
    for strategy, n in PLANS:
        mine = [row["correct"] for row in rows if row["plan"]["strategy"] == strategy and n_of(row) == n]
        assert len(mine) == len(PROBLEMS)
        [line] = re.findall(rf"</span>{strategy}</th>(.*?)</tr>", text)
        assert f">{100 * sum(mine) / len(mine):.1f} <" in line


def test_smaller_n_of_samples_are_means_over_subsets_at_what_so_many_cost(run: Path) -> None:
    runs = load([run])
    [best] = [curve for curve in curves(runs) if curve.name == "best-of-n"]
    rows = read(run)
    samples = [row for row in rows if row["plan"]["strategy"] == "best-of-n"]
    assert [point.n for point in best.points] == [1, 2, 4, 8]
    shares = [sum(c["correct"] for c in row["candidates"]) / 8 for row in samples]
    assert best.points[0].accuracy.value == pytest.approx(sum(shares) / len(shares))  # pass@1
    assert best.top.accuracy.value == sum(row["correct"] for row in samples) / len(samples)
    assert best.top.tokens == sum(row["usage"]["policy_tokens"] for row in samples) / len(samples)
    assert best.points[1].tokens == pytest.approx(best.top.tokens / 4)
    assert best.top.flops / 4 < best.points[1].flops < best.top.flops / 2, (
        "prompts are paid once: tests/stats/test_costs.py"
    )
    assert [point.derived for point in best.points] == [True, True, True, False]


def test_the_page_asks_for_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"\b(?:src|action|data)\s*=|<(?:link|script|iframe|object|embed)\b|@import|url\(", text)
    assert all(value.startswith("#") for _, name, value in parse(page).attributes if name == "href")
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text
    assert 'name="viewport"' in text


def test_figures_are_written_next_to_the_page(page: Path) -> None:
    names = {
        f"report-accuracy-{name}" for name in ("over-n", "over-flops", "over-paper-flops", "by-level", "by-difficulty")
    }
    assert {path.stem for path in page.parent.glob("report-*.svg")} == names
    assert {path.stem for path in page.parent.glob("report-*.png")} == names


def test_trees_unfold_to_every_node_of_the_traces(run: Path, page: Path) -> None:
    runs = load([run])
    chosen = cases.pick(runs, curves(runs))
    assert 0 < len(chosen) <= cases.COUNT
    assert all({outcome.correct for _, outcome in case.outcomes} == {True, False} for case in chosen)
    files = [run / "traces" / f"{name}-8-{case.id}.jsonl" for case in chosen for name, _ in case.outcomes]
    assert len(files) == 3 * len(chosen)
    assert page.read_text().count('class="step"') == sum(len(Trace.load(file).nodes()) for file in files)


def test_hostile_text_in_every_field_stays_text(page: Path, hostile: Path) -> None:
    """The hostile page has no kind of element or attribute that a harmless one lacks, and shows the markup as text."""
    found = parse(hostile)
    assert found.shape - parse(page).shape <= {("h3", "")}, "an error has a heading of its own"
    assert {name for _, name, value in found.attributes if "taken" in value} == set(), "no attribute holds the text"
    shown = found.text.count(EVIL)
    assert shown > 100
    legends = found.text.count("ascript:taken()") - shown  # a legend cuts long names in their middle
    assert legends == found.text.count("…")
    assert found.text.count("taken(") == 2 * shown + legends, "nothing of it was evaluated"
    assert CHOSEN in found.text


def test_only_our_own_style_sheet_and_figures_are_not_escaped() -> None:
    folder = resources.files("benchmarks.report.html") / "templates"
    texts = [file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".jinja")]
    unescaped = [match for text in texts for match in re.findall(r"\{\{\s*([\w.]+) *\|\s*safe", text)]
    assert sorted(unescaped) == ["figure.narrow", "figure.wide", "style"]
    assert not any("autoescape" in text for text in texts)
    assert sum(len(re.findall(r"\bsafe\b", text)) for text in texts) == len(unescaped)


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="problem"):
        render("view.html.jinja", title="", first=[], rest=[], best="", tree=Chain())


@browser.needed
def test_a_browser_runs_no_script_of_a_model(hostile: Path, tmp_path: Path) -> None:
    found = browser.dom(hostile, tmp_path)
    assert "<title>taken</title>" not in found
    assert "<script" not in found
    assert "&lt;script&gt;document.title='taken'&lt;/script&gt;" in found


@browser.needed
@pytest.mark.parametrize(("dark", "colour"), [(False, LIGHT["page"]), (True, DARK["page"])], ids=["light", "dark"])
def test_a_browser_draws_the_page_in_the_readers_colours(page: Path, tmp_path: Path, dark: bool, colour: str) -> None:
    picture = tmp_path / "page.png"
    browser.screenshot(page, picture, tmp_path / "home", dark=dark)
    assert "#{:02x}{:02x}{:02x}".format(*corner(picture)) == colour


def test_without_matplotlib_a_report_is_one_sentence_and_a_view_is_drawn(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tts-search\[report\]'"):
        call("report", run, "--out", tmp_path / "r.html")
    assert not list(tmp_path.iterdir())
    trace = next((run / "traces").iterdir())
    call("view", trace, "--out", tmp_path / "view.html")
    assert 'class="tree"' in (tmp_path / "view.html").read_text()


def test_a_part_and_failures_are_said(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", ("beam-search", 4))
    rows = read(folder)
    rows[0] |= {"error": "the engine died.", "candidates": [], "answer": None, "correct": False}
    write(folder, rows)
    (folder / "manifest.json").write_text(json.dumps({"settings": {"part": {"first": 12}}}))
    call("report", folder, "--out", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "This is a part of the data set (first 12)" in text
    assert "count as wrong: beam-search 1" in text


def test_a_run_of_tts_bench_is_read_and_called_a_part(tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("bench", "lab-500", "--limit", "2", "--strategy", "best-of-n,majority", "--budget", "2", "--out", run)
    call("report", run, "--out", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "lab-500, 2 problems; policy lab-2m, reward model lab-prm." in text
    assert "This is a part of the data set (first 2)" in text


def test_a_problem_that_stands_there_twice_counts_as_it_was_last(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", ("beam-search", 4))
    rows = read(folder)
    write(folder, [rows[0] | {"correct": False}, *rows[1:], rows[0] | {"correct": True}])
    [by_n] = load([folder]).tables.values()
    assert len(by_n[4]) == len(PROBLEMS)
    assert by_n[4][rows[0]["id"]].correct


def test_what_is_no_run_is_refused(tmp_path: Path, run: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "bad.jsonl").write_text('{"problem": "?"}\n')
    with pytest.raises(BadInput, match="cannot be read"):
        call("report", tmp_path / "none")
    with pytest.raises(BadInput, match=r"is no run folder: it has no outcomes\.jsonl"):
        call("report", tmp_path)
    with pytest.raises(BadInput, match="is given twice"):
        call("report", run, run / ".." / run.name)
    with pytest.raises(BadInput, match="holds no outcome yet"):
        call("report", tmp_path / "empty.jsonl")
    with pytest.raises(BadInput, match=r"line 1 of .*bad.jsonl holds no outcome"):
        call("report", tmp_path / "bad.jsonl")
    with pytest.raises(BadInput, match="cannot be written"):
        call("report", run, "--out", tmp_path / "no/such/folder.html")
    assert not list(tmp_path.glob("*.html"))


def test_the_papers_rows_stand_beside_models_of_the_same_name_only() -> None:
    names = ["llama-3.2-3b", "meta-llama/Llama-3.2-1B-Instruct", "Qwen/Qwen2.5-Math-7B-Instruct", "lab-1m"]
    rows = paper.rows("math500", names)
    assert [(policy, row.optimal) for policy, row in rows] == [(names[0], 78.2), (names[1], 66.2)]  # Table 5
    assert [row.optimal for _, row in paper.rows("aime24", ["r1-distill-qwen-7b"])] == [83.3]  # Table 3
    assert paper.rows("gsm8k", names) == []
