"""``tts report`` and ``tts view``: read options, write a page, say where it is. Importing this module is cheap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tts.commands.console import check_writable


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or their outcomes.jsonl.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A page (.html), figures beside it; or a folder, for a summary to keep.")
    ] = Path("report.html"),
    title: Annotated[
        str | None, typer.Option(help="What stands at its head.", show_default="the data and the policy")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write the page of one or several runs: figures with intervals, tables, and the search trees behind them.

    Into a folder go a page below half a megabyte, the same as Markdown, figures and numbers: light enough to commit.

    Example: tts report runs/llama3b --out report.html
    """
    from benchmarks.report import page, summary, words
    from benchmarks.report.curves import curves
    from benchmarks.report.figures import browser, draw, save
    from benchmarks.report.runs import load

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
        out.write_text(page.report(head, found, drawn, figures), encoding="utf-8")
        written = [out, *save(figures, out)]
    if as_json:
        typer.echo(json.dumps([str(path) for path in written]))
        return
    for path in written:
        typer.echo(str(path))
    if not folder and not any(path.suffix == ".png" for path in written):
        reason = (
            "the browser here does not draw" if browser() else "install chromium or librsvg's rsvg-convert for them"
        )
        typer.echo(f"tts: there are no PNG files: {reason}.", err=True)


def view(
    trace: Annotated[Path, typer.Argument(help="What `tts solve --trace` wrote.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page.", show_default="beside the trace")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the search tree of one trace as a page and print where it is.

    Example: tts view tree.jsonl --open
    """
    from benchmarks.report.view import page_of
    from tts.trace import Trace

    target = out or trace.with_suffix(".html")
    text = page_of(Trace.load(trace))
    check_writable(target)
    target.write_text(text, encoding="utf-8")
    typer.echo(str(target))
    if open_it:
        import webbrowser

        if not webbrowser.open(target.resolve().as_uri()):
            typer.echo("tts: no browser could be opened.", err=True)
