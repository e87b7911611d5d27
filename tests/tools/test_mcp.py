"""Tools of MCP servers: over standard streams and HTTP, and servers that hang, end or lie."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tools.scripted import use
from tts.errors import EngineError
from tts.tools.mcp import McpServer, McpTool
from tts.tools.tool_file import open_tools
from tts.tools.toolbox import Toolbox


@pytest.fixture
def served() -> Iterator[str]:
    """The address of an MCP server on a thread of this process."""
    import uvicorn
    from mcp.server.mcpserver import MCPServer

    cities = MCPServer("cities")

    @cities.tool()
    def population(city: str) -> str:
        """Population of a city."""
        if city == "nowhere":
            raise ValueError("unknown city")
        return f"{city}: 331 thousand"

    config = uvicorn.Config(cities.streamable_http_app(), port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    server.should_exit = True
    thread.join(10)


SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("cities")
@server.tool()
def population(city: str) -> str:
    "Population of a city."
    return f"{city}: 331 thousand"
server.run(transport="stdio")
"""


class TestMcp:
    def test_the_tools_of_a_program_are_called_over_its_standard_streams(self, tmp_path: Path) -> None:
        file = tmp_path / "server.py"
        file.write_text(SERVER)
        [found] = McpServer([sys.executable, str(file)], seconds=60).tools(price=0.5)
        try:
            assert (found.name, found.description, found.price) == ("population", "Population of a city.", 0.5)
            assert use(Toolbox([found]), "population", {"city": "Bonn"}).text == "Bonn: 331 thousand"
            assert "lack 'city'" in use(Toolbox([found]), "population", {}).text
        finally:
            found.close()

    def test_the_tools_of_a_server_are_called_over_http(self, served: str) -> None:
        [found] = open_tools(served)
        try:
            assert (found.name, found.local) == ("population", False)
            box = Toolbox([found])
            assert use(box, "population", {"city": "Bonn"}).text == "Bonn: 331 thousand"
            assert "lack 'city'" in use(box, "population", {}).text
            broken = use(box, "population", {"city": "nowhere"})
            assert broken.failed
            assert broken.text == "Error executing tool population"  # the server keeps the reason to itself
        finally:
            found.close()

    def test_an_address_without_a_server_is_named(self) -> None:
        with pytest.raises(EngineError, match=r"the MCP server http://127\.0\.0\.1:9/mcp cannot be used"):
            open_tools("http://127.0.0.1:9/mcp")

    def test_a_server_that_hangs_or_ends_is_named(self, tmp_path: Path) -> None:
        for program, seconds in (("import time; time.sleep(60)", 0.5), ("raise SystemExit(3)", 20.0)):
            with pytest.raises(EngineError, match=r"the MCP server .* (did not answer within 0\.5 s|cannot be used)"):
                McpServer([sys.executable, "-c", program], seconds=seconds).tools()

    def test_a_server_whose_list_of_tools_breaks_the_protocol_is_named_in_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "lies.py").write_text(
            "import json, sys\n"
            "for line in sys.stdin:\n"
            "    asked = json.loads(line)\n"
            "    found = {'tools': [{'name': 'x', 'inputSchema': {'type': 'array', 'properties': 3}}]}\n"
            "    if asked['method'] == 'initialize':\n"
            "        found = {'protocolVersion': asked['params']['protocolVersion'], 'capabilities': {'tools': {}},\n"
            "                 'serverInfo': {'name': 'x', 'version': '1'}}\n"
            "    if 'id' in asked:\n"
            "        print(json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': found}), flush=True)\n"
        )
        with pytest.raises(EngineError, match=r"the MCP server .*lies\.py cannot be used") as error:
            open_tools(f"mcp://{tmp_path / 'lies.py'}")
        assert len(str(error.value).splitlines()) == 1

    @pytest.mark.parametrize("schema", [None, [], {"type": "string"}])
    def test_a_server_that_gives_no_schema_of_an_object_is_refused(self, schema: Any) -> None:
        listed = SimpleNamespace(name="x", description="", input_schema=schema)
        with pytest.raises(EngineError, match="gives no JSON schema of an object"):
            McpTool(McpServer("http://h/mcp"), listed, "", None, None)
