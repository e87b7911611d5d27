"""The command line: assembles the commands; turns errors into one sentence and an exit code."""

from __future__ import annotations

import atexit
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Annotated, Any, NoReturn

try:
    import typer

    from benchmarks.bench.command import bench
    from benchmarks.bench.pool_fit import fit
    from benchmarks.calibrate.command import calibrate
    from benchmarks.prm_eval.command import prm_eval
    from benchmarks.replay.command import replay
    from benchmarks.report.command import report, view
    from tts.aio import abandoned
    from tts.commands.console import note, say
    from tts.commands.doctor import doctor
    from tts.commands.models import models
    from tts.commands.orchestrate import orchestrate
    from tts.commands.plan import plan
    from tts.commands.pool import pool
    from tts.commands.route import route
    from tts.commands.serve import serve
    from tts.commands.solve import solve
    from tts.commands.strategies import strategies
    from tts.errors import TTSError
    from tts.files.standard_streams import output
    from tts.files.text import reason
except KeyboardInterrupt:  # imports take half a second, in which nothing has begun
    sys.exit(130)

app = typer.Typer(
    name="tts",
    help="Better answers from small language models: search with a policy and a process reward model.",
    epilog='Example: tts solve "Tom has 12 eggs and buys 8 more. How many has he?"',
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from tts import __version__

        say(f"tts-search {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Solve": (solve, orchestrate, plan, route, serve),
    "Measure": (bench, calibrate, replay, prm_eval),
    "Look": (report, view, strategies, models, doctor),
}

_INTERRUPTED = 130
_UNREAD = 1  # click ends so where nobody reads any more


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Say that a command was interrupted, if it does not say more itself."""

    @wraps(command)
    def run(*arguments: Any, **named: Any) -> None:
        try:
            command(*arguments, **named)
        except KeyboardInterrupt:
            note("interrupted.")
            raise typer.Exit(_INTERRUPTED) from None

    return run


for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(command.__name__.replace("_", "-"), rich_help_panel=panel)(_interruptible(command))
pool.command()(_interruptible(fit))
app.add_typer(pool, name="pool", rich_help_panel="Measure")


def main() -> None:
    """Run the command line.

    Exit codes: 0 success, 1 nobody reads what is printed any more (``| head``), 2 an error the user can correct, 130
    interrupted.
    """
    _open_standard_files()
    try:
        code = app(prog_name="tts", standalone_mode=False)
    except TTSError as error:
        code = _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        note("interrupted.")
        code = _INTERRUPTED
    except typer.TyperException as error:
        code = _fail(_plain(error.format_message()))
    except OSError as error:  # a full disk
        code = _fail(f"{error.filename or 'a file or standard output'} cannot be used: {reason(error)}.")
    code = _flushed(code or 0)
    if code == _INTERRUPTED and abandoned():  # a model that is still being loaded would abort the process at its end
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End without waiting for threads, nor for the processes of a model that is being loaded."""
    from multiprocessing import active_children

    for child in active_children():
        child.kill()
    atexit._run_exitfuncs()
    os._exit(code)


_PLAIN = {
    "Input should be a valid integer, unable to parse string as an integer": "give a whole number, such as 16.",
    "Input should be a valid number, unable to parse string as a number": "give a number, such as 0.5.",
}
"""What typer says of a value that is no number, by pydantic, and what we say."""


def _plain(message: str) -> str:
    for theirs, ours in _PLAIN.items():
        message = message.replace(theirs, ours)
    return message


def _fail(sentence: str) -> int:
    if sentence:  # a command without arguments has printed its help
        note(sentence)
    return 2


def _open_standard_files() -> None:
    """Open what is closed of 0, 1 and 2, so that no file of ours gets such a number and what others print.

    Characters that the output cannot take are printed as escapes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """Return the exit code, once what was printed has arrived; what cannot arrive is dropped."""
    stream = output()
    if stream is None:
        return code
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        gone = isinstance(error, BrokenPipeError)
        code = code or (_UNREAD if gone else _fail(f"standard output cannot be written: {reason(error)}."))
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


if __name__ == "__main__":
    main()
