"""Colours and type of page and figures, light and dark. The series' colours keep apart for the colour-blind
(after Okabe and Ito), and every series has a mark of its own besides."""

from __future__ import annotations

from collections.abc import Sequence

SERIES = 8

_OWN = {"best-of-n": 0, "dvts": 1, "majority": 2, "beam-search": 3, "auto": 5}


def palette(strategies: Sequence[str], bounds: Sequence[bool]) -> list[int]:
    """A colour for each method of a report: the first of a strategy has the strategy's own, in every report; the others
    take those that are left, and the last is for bounds."""
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


_LIGHT = """
--page:#ffffff; --ink:#1c2126; --soft:#5d6771; --line:#dfe3e7; --faint:#f4f6f8; --link:#0b62a8; --good:#0a7a50; --bad:#b3431b;
--s0:#0b6fb3; --s1:#c8500a; --s2:#0a8a63; --s3:#a8478a; --s4:#8a6d00; --s5:#5b5fc7; --s6:#2a8fa3; --s7:#7a828a;"""
_DARK = """
--page:#14181c; --ink:#e6e9ec; --soft:#9aa4ae; --line:#2f363d; --faint:#1c2227; --link:#6db3f2; --good:#4cc38a; --bad:#ff8f66;
--s0:#58a6e8; --s1:#f58b4c; --s2:#3fc49a; --s3:#dd86c2; --s4:#d9b53c; --s5:#9a9df2; --s6:#62c3d6; --s7:#a5adb5;"""

VARIABLES = f":root{{{_LIGHT}}}\n@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"

CHART = """
svg.chart{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.chart text{fill:var(--ink)} .chart .soft{fill:var(--soft)} .chart .grid{stroke:var(--line);stroke-width:1}
.chart .axis{stroke:var(--soft);stroke-width:1}
.chart .curve{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round} .chart .bound{stroke-dasharray:3 5}
.chart .whisker{fill:none;stroke-width:1.3;stroke-opacity:.65} .chart .mark{stroke:var(--page);stroke-width:1.2}
""" + "\n".join(
    f".chart .s{k}{{fill:var(--s{k})}} .chart .curve.s{k},.chart .whisker.s{k}{{stroke:var(--s{k});fill:none}} "
    f".chart .mark.hollow.s{k}{{fill:var(--page);stroke:var(--s{k});stroke-width:1.8}}"
    for k in range(SERIES)
)

PAGE = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.2rem 1.1rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em} h2{font-size:1.2rem;margin:2.6rem 0 .5rem}
.text{white-space:pre-wrap;overflow-wrap:anywhere} h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.5rem 0;max-width:46rem} .soft{color:var(--soft)} .small{font-size:.86rem}
.note{border-left:3px solid var(--s1);background:var(--faint);padding:.55rem .8rem;margin:1rem 0;max-width:46rem}
.scroll{overflow-x:auto;margin:.7rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;line-height:1.35}
th,td{padding:.36rem .8rem .36rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:baseline}
th{font-weight:600;color:var(--soft);font-size:.82rem} td.n,th.n{text-align:right} td.n,th.n{white-space:nowrap}
td .ci{color:var(--soft);font-size:.78rem;white-space:nowrap} .stack .ci{display:block} .stack tbody th{white-space:nowrap;position:sticky;left:0;background:var(--page)}
tbody th{font-weight:500;color:var(--ink);font-size:.9rem}
.flat th,.flat td{white-space:nowrap} .facts th{white-space:nowrap} .facts td{overflow-wrap:anywhere}
.key{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.45em}
figure{margin:1.7rem 0 0} figcaption{color:var(--soft);font-size:.86rem;max-width:46rem}
svg.chart{display:block;width:100%;height:auto} svg.narrow{display:none}
@media (max-width:640px){svg.wide{display:none} svg.narrow{display:block} h1{font-size:1.45rem} main{padding-top:1.3rem}}
details{margin:0} summary{cursor:pointer}
.case{border:1px solid var(--line);border-radius:8px;margin:.7rem 0;background:var(--page)}
.case>summary{padding:.65rem .85rem;overflow-wrap:anywhere} .case>div{padding:.1rem .85rem .8rem}
.case>summary::marker{color:var(--soft)}
.verdicts{display:flex;flex-wrap:wrap;gap:.3rem .9rem;margin-top:.35rem;font-size:.86rem}
.good{color:var(--good)} .bad{color:var(--bad)}
.tree{margin:.5rem 0 .2rem;font-size:.9rem}
.tree .branch{border-left:2px solid var(--line);margin:.15rem 0 .15rem .2rem;padding-left:.65rem}
.tree summary{padding:.12rem 0;overflow-wrap:anywhere}
.step{padding:.2rem 0} .step pre,.plain{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}
.score{display:inline-block;min-width:3.1em;margin-right:.5em;font-variant-numeric:tabular-nums;color:var(--soft);font-size:.82rem}
.bar{display:inline-block;width:2.4em;height:.5em;border-radius:2px;background:var(--line);margin-right:.45em;overflow:hidden;vertical-align:.08em}
.bar i{display:block;height:100%;background:var(--s0)}
.end{font-size:.86rem;padding:.1rem 0 .3rem}
.tag{font-size:.8rem;color:var(--soft);border:1px solid var(--line);border-radius:4px;padding:0 .35em;margin-left:.4em}
@media print{details:not([open])>*{display:none} main{max-width:none}}
"""
