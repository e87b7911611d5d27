"""Colours of pages and figures, light and dark, by role.

The series' colours are distinct for the colour-blind (after Okabe and Ito), and every series has its own mark.
"""

from __future__ import annotations

from collections.abc import Sequence

SERIES = 8
FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif'

LIGHT = {
    "page": "#ffffff", "ink": "#1c2126", "soft": "#5d6771", "line": "#dfe3e7", "faint": "#f4f6f8",
    "good": "#0a7a50", "bad": "#b3431b",
    "s0": "#0b6fb3", "s1": "#c8500a", "s2": "#0a8a63", "s3": "#a8478a",
    "s4": "#8a6d00", "s5": "#5b5fc7", "s6": "#2a8fa3", "s7": "#7a828a",
}  # fmt: skip
DARK = {
    "page": "#14181c", "ink": "#e6e9ec", "soft": "#9aa4ae", "line": "#2f363d", "faint": "#1c2227",
    "good": "#4cc38a", "bad": "#ff8f66",
    "s0": "#58a6e8", "s1": "#f58b4c", "s2": "#3fc49a", "s3": "#dd86c2",
    "s4": "#d9b53c", "s5": "#9a9df2", "s6": "#62c3d6", "s7": "#a5adb5",
}  # fmt: skip

_OWN = {"best-of-n": 0, "dvts": 1, "majority": 2, "beam-search": 3, "auto": 5}


def palette(strategies: Sequence[str], bounds: Sequence[bool]) -> list[int]:
    """Choose the number of a colour for each method of a report.

    The first method of a strategy has the strategy's own colour, the same in every report. Other methods take the
    colours that are left. The last colour is for upper bounds.
    """
    free = [k for k in range(SERIES - 1) if k not in {_OWN.get(name) for name in strategies}] or list(range(SERIES - 1))
    found, taken = [], set[str]()
    for name, bound in zip(strategies, bounds, strict=True):
        if bound:
            found.append(SERIES - 1)
        elif name in _OWN and name not in taken:
            found.append(_OWN[name])
            taken.add(name)
        else:
            found.append(free[0])
            free.append(free.pop(0))
    return found


def variables() -> str:
    """Write both themes as CSS custom properties; the reader's ``prefers-color-scheme`` chooses between them."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in theme.items()) for theme in (LIGHT, DARK))
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
