"""Tools as users name them: objects, functions, short texts, and files ``tools.toml``.

[tools.calculator]                     a Python function (needs --allow-code)
function = "my_tools.py:calculate"
price = 0.0

[tools.ask_math]                       a model with its own search
model = "qwen2.5-math-7b"
budget = 4
outcomes = "runs/math500"              its capability line is written from these
anonymous = true                       named model_1, model_2 ...

[tools.library]                        retrieval over a folder
folder = "texts"

[tools.clock]                          an MCP server (a command needs --allow-code)
mcp = ["python", "clock.py"]           or an address
"""

from __future__ import annotations

import importlib
import importlib.util
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tts.budget import Budget, Ledger
from tts.errors import BadInput, UnknownName
from tts.files.text import read_text
from tts.tools.function import FunctionTool
from tts.tools.mcp import McpServer, mcp_tools
from tts.tools.model import ModelTool, capability
from tts.tools.preference import Preference
from tts.tools.python import PythonTool
from tts.tools.tool import Tool
from tts.tools.toolbox import Toolbox

_KINDS = ("function", "model", "folder", "mcp", "python")
_PRICES = ("price", "latency")
_FIELDS = {
    "function": (*_PRICES, "seconds", "local"),
    "model": (
        *_PRICES, "seconds", "prices", "about", "outcomes", "anonymous", "strategy", "budget", "prm", "temperature",
        "max_tokens", "max_seconds", "engine", "device", "solution_tokens", "aggregate", "vote", "extract",
    ),
    "folder": (*_PRICES, "embedder", "passages", "description"),
    "mcp": (*_PRICES, "seconds", "prefix", "environment"),
    "python": (*_PRICES, "seconds"),
}  # fmt: skip


def open_tools(given: Any, allow_code: bool = False) -> list[Tool]:
    """Return the tools that a user named.

    Args:
        given: one or a list of: a :class:`tts.tools.tool.Tool`, a Python function, ``model:NAME``, ``folder:PATH``,
            ``mcp://FILE.py``, the address of an MCP server, ``python``, or a file ``.toml``.
        allow_code: whether a file may name functions to import and programs to start.

    Raises:
        TTSError: for anything that is not a tool; nothing is loaded before all names were read.
    """
    many = given if isinstance(given, Iterable) and not isinstance(given, (str, Mapping)) else [given]
    return [tool for each in many for tool in _opened(each, allow_code)]


def toolbox_of(tools: Any, preference: Preference, budget: Budget, allow_code: bool) -> Toolbox | None:
    """Return the tools that a user named and allows; None for none. Raises BadInput, before any model is loaded."""
    if not tools:
        if preference != Preference():
            raise BadInput("prefer, only and deny go with tools: name some.")
        return None
    made = Toolbox(open_tools(tools, allow_code), preference)
    if budget.max_cost is not None:
        made.check_prices()
        made.limit(int(Ledger.of(budget).cost) // budget.n)
    return made


def _opened(given: Any, allow_code: bool) -> list[Tool]:
    if isinstance(given, Tool):
        return [given]
    if isinstance(given, (str, Path)):
        return _named(str(given), allow_code)
    if callable(given):
        return [FunctionTool(given)]
    raise BadInput(f"{given!r:.80} is no tool: give a function, a Tool, or a name such as model:lab-1m.")


def _named(text: str, allow_code: bool) -> list[Tool]:
    kind, colon, rest = text.partition(":")
    if text == "python":
        return [PythonTool()]
    if text.endswith(".toml"):
        return _file(Path(text), allow_code)
    if text.startswith(("mcp://", "http://", "https://")):
        return mcp_tools(text)
    if kind == "model" and colon:
        return [ModelTool(rest)]
    if kind == "folder" and colon:
        return [_retrieval(rest)]
    raise BadInput(
        f"{text!r:.80} is no tool: write model:NAME, folder:PATH, mcp://FILE.py, the address of an MCP server, python, "
        "or a file .toml."
    )


def _file(path: Path, allow_code: bool) -> list[Tool]:
    try:
        tables = tomllib.loads(read_text(path)).get("tools")
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}.") from error
    if not isinstance(tables, dict) or not tables:
        raise BadInput(f"{path} has no tools: describe each in a table [tools.NAME].")
    found: list[Tool] = []
    hidden = 0
    for name, table in tables.items():
        where = f"the tool {name} of {path}"
        kind = _kind(table, where)
        hidden += bool(table.get("anonymous"))
        called = f"model_{hidden}" if table.get("anonymous") else name
        try:
            found += _MAKERS[kind](called, dict(table), path.parent, allow_code)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{where} cannot be made: {error}.") from error
    return found


def _kind(table: Any, where: str) -> str:
    kinds = [kind for kind in _KINDS if isinstance(table, dict) and kind in table]
    if len(kinds) != 1:
        raise BadInput(f"{where} must have exactly one of {', '.join(_KINDS)}.")
    for name in table:
        if name not in (*_FIELDS[kinds[0]], kinds[0]):
            raise UnknownName(f"setting of {where}", name, _FIELDS[kinds[0]])
    return kinds[0]


def _function(name: str, table: dict[str, Any], home: Path, allow_code: bool) -> list[Tool]:
    where = str(table.pop("function"))
    if not allow_code:
        raise BadInput(f"the tool {name} is a Python function, {where}: allow it to run with --allow-code.")
    given = _imported(where, home)
    if isinstance(given, FunctionTool):
        given = given._function
    return [FunctionTool(given, name=name, **table)]


def _model(name: str, table: dict[str, Any], home: Path, allow_code: bool) -> list[Tool]:
    model, hidden = str(table.pop("model")), bool(table.pop("anonymous", False))
    model = str(home / model) if (home / model).exists() else model
    about = [str(table.pop("about", ""))]
    if (outcomes := table.pop("outcomes", None)) is not None:
        about.append(capability(model, home / str(outcomes)))
    made = ModelTool(model, name=name, about=" ".join(filter(None, about)), **table)
    if not hidden:
        made.description = f"{made.description} It is {Path(model).name}."
    return [made]


def _folder(name: str, table: dict[str, Any], home: Path, allow_code: bool) -> list[Tool]:
    return [_retrieval(home / str(table.pop("folder")), name=name, **table)]


def _retrieval(folder: str | Path, **settings: Any) -> Tool:
    from tts.tools.retrieval import RetrievalTool  # it needs numpy

    return RetrievalTool(folder, **settings)


def _mcp(name: str, table: dict[str, Any], home: Path, allow_code: bool) -> list[Tool]:
    target, seconds, environment = table.pop("mcp"), table.pop("seconds", 30.0), table.pop("environment", {})
    if isinstance(target, list) and not allow_code:
        raise BadInput(f"the tool {name} starts a program, {' '.join(target)}: allow it with --allow-code.")
    return McpServer(target, seconds, environment).tools(**table)


def _in_sandbox(name: str, table: dict[str, Any], home: Path, allow_code: bool) -> list[Tool]:
    table.pop("python")
    return [PythonTool(name=name, **table)]


_MAKERS: dict[str, Callable[[str, dict[str, Any], Path, bool], list[Tool]]] = {
    "function": _function,
    "model": _model,
    "folder": _folder,
    "mcp": _mcp,
    "python": _in_sandbox,
}


def _imported(where: str, home: Path) -> Any:
    """Import ``module:function`` or ``file.py:function``. Raises BadInput."""
    module, _, attribute = where.partition(":")
    try:
        if module.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(module).stem, home / module)
            assert spec is not None
            assert spec.loader is not None
            loaded = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(loaded)
        else:
            loaded = importlib.import_module(module)
        return vars(loaded)[attribute]
    except (ImportError, OSError, SyntaxError, KeyError) as error:
        raise BadInput(f"the function {where} cannot be imported: {error}.") from error
