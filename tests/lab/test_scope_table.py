"""Marks, confidence and calibration of a scope, by hand."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from benchmarks.lab.scope.figure import reliability
from benchmarks.lab.scope.table import Judged, bins, table_line
from benchmarks.stats.calibration import calibration_error


def row(confidence: float, right: bool, outside: bool = False) -> Judged:
    return Judged("made", not outside, right, outside, confidence)


ROWS = [
    *(row(0.95, True), row(0.93, True), row(0.97, False)),
    *(row(0.15, False, outside=True), row(0.05, True, outside=True)),
]


def test_the_calibration_error_weighs_each_bin_by_its_problems() -> None:
    # bins: 0.95 on average with 2 of 3 right, 0.15 with 0 of 1, 0.05 with 1 of 1
    expected = 3 / 5 * abs(0.95 - 2 / 3) + 1 / 5 * 0.15 + 1 / 5 * 0.95
    assert calibration_error([row.confidence for row in ROWS], [row.right for row in ROWS]) == pytest.approx(expected)
    assert [(each.count, each.right.value) for each in bins(ROWS)] == [(1, 1.0), (1, 0.0), (3, pytest.approx(2 / 3))]


def test_marks_are_counted_apart_from_the_scope() -> None:
    """Four in scope, one of them more likely wrong than right, and two out of it; half of all are right."""
    rows = [row(0.9, True), row(0.8, False), row(0.9, True), replace(row(0.3, False), doubtful=True)]
    rows += [replace(row(0.1, right, outside=True), doubtful=True) for right in (True, False)]
    cells = [cell.strip().split(" ")[0] for cell in table_line(rows).strip("|").split("|")]
    # 3 of 6 right; one wrong without a mark; none at 90 %; three marked, of these one right; in scope 2 of 4.
    assert cells == ["made", "6", "50.0", "16.7", "0", "50.0", "16.7", "50.0"]


def test_the_reliability_diagram_has_a_row_for_each_side_of_the_scope() -> None:
    drawn = reliability(ROWS)
    said = " ".join(ElementTree.fromstring(drawn).itertext())
    assert all(name in said for name in ("confidence", "right, in scope", "right, out of scope"))
    assert "out of scope" not in " ".join(ElementTree.fromstring(reliability(ROWS[:3])).itertext())
