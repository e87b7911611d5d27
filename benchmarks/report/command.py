"""``tts report`` and ``tts view``: write a page and print where it is. Importing this module is cheap."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tts.commands.console import note, say, say_json
from tts.errors import BadInput
from tts.files.text import check_writable, write_atomically


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or their outcomes.jsonl.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="A page (.html) with figures next to it, or a folder to commit."),
    ] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Its heading.", show_default="the data and the policy")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the page of one or several runs: figures with intervals, tables, and search trees.

    A folder gets a page below half a megabyte, the same as Markdown, figures and numbers: small enough to commit.

    Example: tts report runs/llama3b --out report.html
    """
    from benchmarks.report import summary
    from benchmarks.report.curves import curves
    from benchmarks.report.drawing import matplotlib_figure
    from benchmarks.report.figures import draw, save
    from benchmarks.report.html import page, words
    from benchmarks.report.runs import load

    matplotlib_figure()  # a missing extra is an error before the work and not after it
    found = load(runs)
    folder = out.is_dir() or out.suffix.lower() not in (".html", ".htm")
    if not folder:
        check_writable(out)
    drawn = curves(found)
    figures = draw(drawn, page.groupings(found))
    head = title or words.title_of(found, drawn)
    if folder:
        written = summary.save(out, head, found, drawn, figures)
    else:
        write_atomically(out, page.report(head, found, drawn, figures))
        written = [out, *save(figures, out)]
    if as_json:
        say_json([str(path) for path in written])
        return
    for path in written:
        say(str(path))


def view(
    trace: Annotated[Path, typer.Argument(help="What `tts solve --trace` wrote.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page.", show_default="next to the trace")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the search tree of one trace as a page and print where it is.

    Example: tts view tree.jsonl --open
    """
    from benchmarks.report.html.view import page_of
    from tts.trace import Trace

    if trace.is_dir():
        raise BadInput(f"{trace} is a folder: name a trace, or write the page of a run with `tts report {trace}`.")
    target = out or trace.with_suffix(".html")
    if target.exists() and trace.exists() and target.samefile(trace):
        raise BadInput(f"the page would replace the trace {trace}: name another file with --out.")
    check_writable(target)
    write_atomically(target, page_of(Trace.load(trace)))
    say(str(target))
    if open_it:
        import webbrowser

        if not webbrowser.open(target.resolve().as_uri()):
            note("no browser could be opened.")
