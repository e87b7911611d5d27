"""Charts as SVG and PNG: positions, themes, texts, and the same bytes each time."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.report.colours import DARK, LIGHT, variables
from benchmarks.report.drawing import Dot, Series
from benchmarks.report.plot import Chart, Groups, Lines, power
from benchmarks.report.svg import png, svg
from tests.report import browser
from tests.report.markup import parse
from tests.report.pictures import corner, size
from tts.errors import MissingExtra

EVIL = "<script>alert(1)</script>\"'$x^2$ javascript:\x0b"


def dots(*values: tuple[float, float]) -> tuple[Dot, ...]:
    return tuple(Dot(x, y, y - 0.05, y + 0.05, hollow=x == 2) for x, y in values)


def lines(name: str = "beam-search", flops: bool = False) -> Lines:
    scale = 1e9 if flops else 1
    first = dots((1 * scale, 0.5), (2 * scale, 0.6), (4 * scale, 0.7))
    second = dots((1 * scale, 0.4), (4 * scale, 0.5))
    return Lines([Series(name, first, 3), Series("dvts", second, 1)], "samples, N", flops=flops)


GROUPS = Groups([Series("dvts", dots((0, 0.5), (1, 0.6)), 1)], ["easy", "hard"], "difficulty", [30, 12])
CHARTS = pytest.mark.parametrize("chart", [lines(), lines(flops=True), GROUPS], ids=["n", "flops", "groups"])


def marks(text: str, series: str) -> list[tuple[float, float]]:
    """Where a series' marks are, in the order of their points."""
    root = ElementTree.fromstring(text)
    svg_names = {"svg": "http://www.w3.org/2000/svg"}
    found = []
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        title = group.find("svg:title", svg_names)
        place = group.find("svg:use", svg_names)
        if title is not None and place is not None and (title.text or "").startswith(f"{series}, "):
            found.append((float(place.attrib["x"]), float(place.attrib["y"])))
    return found


def test_n_is_on_a_logarithmic_axis_and_accuracy_on_a_linear_one() -> None:
    [(x1, y1), (x2, y2), (x4, y4)] = marks(svg(lines(), "t"), "beam-search")
    assert x2 - x1 == pytest.approx(x4 - x2, abs=0.05)  # log 2 - log 1 = log 4 - log 2
    assert y1 - y2 == pytest.approx(y2 - y4, abs=0.05)  # 0.5, 0.6, 0.7
    assert y4 < y2 < y1


def test_over_n_series_are_seven_pixels_apart_and_over_flops_they_are_not() -> None:
    over_n, over_flops = svg(lines(), "t"), svg(lines(flops=True), "t")
    assert marks(over_n, "dvts")[0][0] - marks(over_n, "beam-search")[0][0] == pytest.approx(7, abs=0.05)
    assert marks(over_flops, "dvts")[0][0] == marks(over_flops, "beam-search")[0][0]


def test_ticks_are_plain_numbers() -> None:
    texts = re.findall(r">([^<>]+)</text>", svg(lines(), "t"))
    assert {"1", "2", "4", "beam-search", "dvts", "problems right, %", "samples, N", "40", "70"} <= set(texts)
    assert {"10⁹", "2·10⁹"} <= set(re.findall(r">([^<>]+)</text>", svg(lines(flops=True), "t")))
    assert {"easy", "(30)", "hard", "(12)"} <= set(re.findall(r">([^<>]+)</text>", svg(GROUPS, "t")))


def test_a_power_of_ten_is_written_with_superscripts() -> None:
    assert [power(1.73e10), power(1e9, 0), power(3e-8, 0), power(0)] == ["1.73·10¹⁰", "10⁹", "3·10⁻⁸", "0"]


def test_a_mark_says_its_value_and_whether_it_is_estimated() -> None:
    text = svg(lines(), "t")
    assert "<title>beam-search, N = 1: 50.0 % [45.0, 55.0]</title>" in text
    assert "<title>beam-search, N = 2: 60.0 % [55.0, 65.0] (estimated)</title>" in text
    assert "<title>dvts, hard: 60.0 % [55.0, 65.0]</title>" in svg(GROUPS, "t")


@CHARTS
def test_the_same_chart_gives_the_same_bytes(chart: Chart) -> None:
    first = svg(chart, "t", alone=True), png(chart)
    svg(GROUPS, "another in between")
    assert (svg(chart, "t", alone=True), png(chart)) == first


@CHARTS
def test_every_colour_of_a_page_figure_is_a_variable_of_both_themes(chart: Chart) -> None:
    text = svg(chart, "t")
    assert not re.search(r"#[0-9a-f]{6}", text), "a colour that does not follow the theme"
    used = set(re.findall(r"var\(--(\w+)\)", text))
    assert {"page", "ink", "soft", "line", "s1"} <= used <= LIGHT.keys()
    assert LIGHT.keys() == DARK.keys()


def test_a_figure_of_its_own_brings_its_colours() -> None:
    text = svg(lines(), "accuracy", alone=True)
    assert variables() in ElementTree.fromstring(text).findtext("{http://www.w3.org/2000/svg}style", "")
    assert "fill: #ffffff; fill: var(--page)" in text  # the value is for programs that know no variables
    assert 'width="920"' in text
    assert 'width="' not in svg(lines(), "accuracy").split(">")[0]


def test_a_phone_gets_a_narrower_drawing_with_smaller_type() -> None:
    wide, narrow = svg(lines(), "t"), svg(lines(), "t", narrow=True)
    assert 'viewBox="0 0 920 ' in wide
    assert 'viewBox="0 0 380 ' in narrow
    assert set(re.findall(r"font-size: (\d+)px", wide)) == {"14"}
    assert set(re.findall(r"font-size: (\d+)px", narrow)) == {"12"}


def test_figures_of_one_page_share_no_identifier() -> None:
    texts = [
        svg(chart, title, narrow=narrow) for chart, title in ((lines(), "a"), (GROUPS, "b")) for narrow in (False, True)
    ]
    ids = [name for text in texts for name in re.findall(r'\bid="([^"]+)"', text)]
    assert len(ids) == len(set(ids)) > 4
    for text in texts:
        assert set(re.findall(r'href="#([^"]+)"', text)) == set(re.findall(r'\bid="([^"]+)"', text))


def test_a_figure_is_described_to_those_who_cannot_see_it() -> None:
    found = parse(svg(lines(), "Accuracy over N."))
    assert ("svg", "role", "img") in found.attributes
    assert ("svg", "aria-label", "Accuracy over N.") in found.attributes


def test_markup_in_names_and_titles_is_text() -> None:
    text = svg(lines(EVIL), EVIL, alone=True)
    assert parse(text).shape == parse(svg(lines(), "t", alone=True)).shape
    root = ElementTree.fromstring(text)  # a vertical tab would not be XML
    shown = EVIL.replace("\x0b", "\ufffd")
    assert root.attrib["aria-label"] == shown
    assert any(element.text == shown for element in root.iter("{http://www.w3.org/2000/svg}text"))


def test_a_long_name_is_cut_and_many_names_take_several_rows() -> None:
    def height(text: str) -> float:
        return float(re.findall(r'viewBox="0 0 \d+ (\d+)', text)[0])

    few, row = lines(), dots((1, 0.5), (4, 0.6))
    many = Lines([Series(f"beam-search · policy {'x' * 100} {k}", row, k) for k in range(6)], "samples, N")
    assert height(svg(many, "t")) > height(svg(few, "t")) + 5 * 14
    for narrow, most in ((False, 102), (True, 47)):  # characters of 0.62 of 14 and 12 pixels, beside the mark
        names = re.findall(r">(beam-search[^<>]+)</text>", svg(many, "t", narrow=narrow))
        assert len(set(names)) == 6, "what tells them apart is still there"
        assert max(map(len, names)) <= most


def test_a_png_is_wide_light_and_twice_as_dense(tmp_path: Path) -> None:
    file = tmp_path / "chart.png"
    file.write_bytes(png(lines()))
    height = int(re.findall(r'viewBox="0 0 920 (\d+)', svg(lines(), "t"))[0])
    assert size(file) == (2 * 920, 2 * height)
    assert corner(file) == (0xFF, 0xFF, 0xFF)


@browser.needed
@pytest.mark.parametrize(("dark", "colour"), [(False, LIGHT["page"]), (True, DARK["page"])], ids=["light", "dark"])
def test_a_browser_draws_a_figure_file_in_the_readers_colours(dark: bool, colour: str, tmp_path: Path) -> None:
    (tmp_path / "chart.svg").write_text(svg(lines(), "t", alone=True))
    browser.screenshot(tmp_path / "chart.svg", tmp_path / "chart.png", tmp_path / "home", dark=dark)
    assert "#{:02x}{:02x}{:02x}".format(*corner(tmp_path / "chart.png")) == colour


def test_without_matplotlib_one_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tts-search\[report\]'\.$"):
        svg(lines(), "t")
