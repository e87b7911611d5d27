"""Tools one by one: their schemas, prices and limits, and what a user gets wrong."""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.tools.scripted import HERE, Scripted, answers, asks, use
from tts import Solver, Trace, solve, tool
from tts.errors import BadInput, TTSError
from tts.tools.function import FunctionTool
from tts.tools.model import ModelTool
from tts.tools.preference import Preference
from tts.tools.schema import misfit
from tts.tools.tool import Tool, card
from tts.tools.tool_file import open_tools
from tts.tools.toolbox import LONGEST, Toolbox
from tts.types import Call


@tool(price=0.0001, latency=0.2)
def lookup(city: str, year: int = 2020) -> str:
    """Population of a city."""
    return f"{city} {year}: 331 thousand"


class TestFunctions:
    def test_the_schema_comes_from_the_signature_and_the_description_from_the_docstring(self) -> None:
        assert lookup.schema["properties"]["city"]["type"] == "string"
        assert lookup.schema["properties"]["year"]["default"] == 2020
        assert lookup.schema["required"] == ["city"]
        function = card(lookup)["function"]
        assert function["name"] == "lookup"
        assert function["description"] == "Population of a city. Price: 0.0001 dollars a call. Latency: 0.2 s."

    def test_a_tool_can_still_be_called_as_a_function(self) -> None:
        assert lookup("Bonn") == "Bonn 2020: 331 thousand"

    def test_a_value_that_is_no_text_comes_back_as_json(self) -> None:
        def row(n: int) -> dict[str, int]:
            """A row."""
            return {"n": n}

        assert use(Toolbox([FunctionTool(row)]), "row", {"n": 2}).text == '{"n": 2}'

    def test_a_function_without_types_docstring_or_named_arguments_is_refused(self) -> None:
        def untyped(city) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
            """Population."""
            return ""

        def silent(city: str) -> str:
            return city

        def variadic(*cities: str) -> str:
            """Population."""
            return ""

        with pytest.raises(BadInput, match="has no type for 'city': annotate it"):
            tool(untyped)
        with pytest.raises(BadInput, match="has no docstring"):
            tool(silent)
        with pytest.raises(BadInput, match="give each argument a name"):
            tool(variadic)
        with pytest.raises(BadInput, match="price of the tool lookup must be a number"):
            tool(price=-1.0, name="lookup")(lookup._function)


class TestSchemas:
    SCHEMA: Mapping[str, Any] = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "unit": {"enum": ["m", "km"]}, "xs": {"$ref": "#/$defs/xs"}},
        "required": ["n"],
        "additionalProperties": False,
        "$defs": {"xs": {"type": "array", "items": {"type": "string"}}},
    }

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({"n": 1, "unit": "km", "xs": ["a"]}, ""),
            ({}, "the arguments lack 'n'."),
            ({"n": "1"}, "'n' must be of type integer, not '1'."),
            ({"n": True}, "'n' must be of type integer, not True."),
            ({"n": 1, "unit": "mile"}, "'unit' must be one of 'm', 'km', not 'mile'."),
            ({"n": 1, "xs": ["a", 2]}, "'xs'[1] must be of type string, not 2."),
            ({"n": 1, "m": 2}, "the arguments have 'm', which is not among 'n', 'unit', 'xs'."),
        ],
    )
    def test_what_does_not_fit_is_named(self, arguments: Any, problem: str) -> None:
        assert misfit(arguments, self.SCHEMA) == problem

    @pytest.mark.parametrize("schema", [{"$ref": "#"}, {"properties": 3}, {"type": 7, "required": "n"}, {"anyOf": "x"}])
    def test_a_schema_that_makes_no_sense_allows_everything_and_ends(self, schema: Any) -> None:
        assert misfit({"n": 1}, schema) == ""


class TestToolbox:
    def test_a_call_that_cannot_be_done_is_a_message_and_costs_nothing(self) -> None:
        box = Toolbox([lookup])
        for name, arguments, words in [
            ("look", {}, "Error: there is no tool named 'look'; there are lookup."),
            ("lookup", {"town": "Bonn"}, "Error: the arguments lack 'city'."),
            ("lookup", None, "Error: the arguments must be of type object"),
        ]:
            result = use(box, name, arguments)
            assert result.text.startswith(words)
            assert result.failed
            assert result.cost == box.worst(HERE, Call(name, arguments)) == 0

    def test_a_good_call_costs_its_price_rounded_up_to_a_billionth(self) -> None:
        box = Toolbox([lookup])
        assert use(box, "lookup", {"city": "Bonn"}).cost == 0.0001
        assert box.worst(HERE, Call("lookup", {"city": "Bonn"})) == 100_000

    def test_a_tool_that_fails_or_hangs_gives_a_message(self) -> None:
        @tool(seconds=0.05)
        async def hangs() -> str:
            """Hangs."""
            await asyncio.sleep(9)
            return ""

        @tool
        def breaks() -> str:
            """Breaks."""
            raise ValueError("no such row")

        box = Toolbox([hangs, breaks])
        assert use(box, "hangs", {}).text == "Error: hangs did not answer within 0.05 s."
        assert use(box, "breaks", {}).text == "Error: ValueError: no such row"

    def test_a_long_result_loses_its_middle(self) -> None:
        @tool
        def floods() -> str:
            """Floods."""
            return "a" * LONGEST + "b" * LONGEST

        text = use(Toolbox([floods]), "floods", {}).text
        assert len(text) < LONGEST + 100
        assert text.endswith("bb")
        assert f"[... {LONGEST:,} characters are left out ...]" in text

    def test_two_tools_with_one_name_are_refused(self) -> None:
        with pytest.raises(BadInput, match="two tools are named 'lookup'"):
            Toolbox([lookup, lookup])

    def test_what_the_user_forbids_is_neither_offered_nor_called(self) -> None:
        @tool(price=0.0)
        def free() -> str:
            """Free."""
            return "yes"

        for preference in (Preference.of(None, only="local"), Preference.of(None, deny="lookup")):
            box = Toolbox([lookup, free], preference)
            assert [each.name for each in box.tools] == ["free"]
            assert use(box, "lookup", {"city": "Bonn"}).text == "Error: the user does not allow the tool lookup."
        with pytest.raises(BadInput, match="leave no tool to call"):
            Toolbox([lookup], Preference.of(None, only="local"))
        with pytest.raises(BadInput, match="no tool is named 'lokup'"):
            Toolbox([lookup], Preference.of(None, deny="lokup"))

    def test_a_ceiling_of_dollars_needs_the_price_of_every_tool(self) -> None:
        @tool
        def unpriced() -> str:
            """Unpriced."""
            return ""

        with pytest.raises(BadInput, match="price of the tool unpriced is unknown"):
            Toolbox([lookup, unpriced]).check_prices()


class TestPreferences:
    def test_weights_are_read_and_told_to_the_policy(self) -> None:
        wish = Preference.of("cost=0.5, latency=0.2")
        assert (wish.cost, wish.latency) == (0.5, 0.2)
        assert wish.sentence == (
            "The user prefers strongly cheap calls and slightly fast calls (weights: quality 1, cost 0.5, latency 0.2)."
        )
        assert Preference.of(None).sentence == ""

    @pytest.mark.parametrize("text", ["cost", "cost=much", "price=1", "cost=-1", "cost=nan"])
    def test_nonsense_is_refused(self, text: str) -> None:
        with pytest.raises(BadInput):
            Preference.of(text)


class TestFiles:
    def write(self, folder: Path, text: str) -> str:
        path = folder / "tools.toml"
        path.write_text(textwrap.dedent(text))
        return str(path)

    def test_a_file_describes_tools_of_every_kind(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text('def add(a: int, b: int) -> int:\n    "Adds."\n    return a + b\n')
        (tmp_path / "texts").mkdir()
        (tmp_path / "texts" / "cities.md").write_text("Bonn lies on the Rhine.\n\n" + "x" * 600)
        path = self.write(
            tmp_path,
            """
            [tools.plus]
            function = "mine.py:add"
            price = 0.001
            [tools.expert]
            model = "lab-200k"
            budget = 2
            anonymous = true
            about = "Knows word problems."
            [tools.library]
            folder = "texts"
            """,
        )
        with pytest.raises(BadInput, match="--allow-code"):
            open_tools(path)
        plus, expert, library = open_tools(path, allow_code=True)
        assert (plus.name, plus.price) == ("plus", 0.001)
        assert expert.name == "model_1"
        assert "lab" not in expert.description
        assert (library.name, library.kind, library.price) == ("library", "retrieval", 0.0)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "has no tools"),
            ("[tools", "is not TOML"),
            ("[tools.a]\nprice = 1", "exactly one of function, model, folder, mcp, python"),
            ("[tools.a]\nmodel = 'lab-1m'\nbuget = 2", "did you mean 'budget'"),
            ("[tools.a]\nmodel = 'lab-9m'", "there is no policy named 'lab-9m'"),
            ("[tools.a]\nfolder = 'nowhere'", "there is no folder"),
            ("[tools.a]\nmcp = ['python', 'x.py']", "starts a program, python x.py: allow it with --allow-code"),
            ("[tools.a]\nmodel = 'lab-1m'\nprice = 'much'", "price of the tool a must be a number"),
        ],
    )
    def test_what_is_wrong_in_a_file_is_named(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(TTSError, match=re.escape(words)):
            open_tools(self.write(tmp_path, text))

    @pytest.mark.parametrize("name", ["pyton", "models:lab-1m", "mcp://nowhere.py", 7])
    def test_a_name_that_is_no_tool_is_refused(self, name: Any) -> None:
        with pytest.raises(BadInput):
            open_tools([name])


class TestModels:
    def test_a_model_answers_with_its_own_search(self) -> None:
        expert = ModelTool("lab-200k", budget=2, about="Knows word problems.")
        assert expert.name == "ask_lab-200k"
        assert (expert.price, expert.local) == (0.0, True)
        question = "Mia has 17 marbles. She wins 25 more. How many has she now?"
        assert "42" in asyncio.run(expert.call({"question": question})).text

    def test_a_whole_pool_is_one_tool_and_its_trace_replays_without_it(self, tmp_path: Path) -> None:
        pytest.importorskip("sklearn")
        from tests.routing.test_pool_solver import NEW_SUM, NEW_WORD, pool, toys

        pool().save(tmp_path / "pool.json")
        experts = ModelTool(str(tmp_path / "pool.json"), name="experts", price=0.5, budget=2, policies=toys())
        assert (experts.kind, experts.price, experts.local) == ("model", 0.5, False)
        asked = asks("experts", question=NEW_SUM) + asks("experts", question=NEW_WORD)
        solution = solve("q", policy=Scripted([asked, answers(7)]), budget=1, tools=[experts], prm=None, max_cost=2.0)
        [event] = solution.trace.of("call")
        assert [call["text"].split()[1] for call in event["calls"]] == ["3", "4"]  # the adder's, and the speller's
        again = asyncio.run(Solver.replay(Trace([dict(each) for each in solution.trace.events])).solve("q"))
        assert [e for e in again.trace.lines() if '"end"' not in e] == [
            e for e in solution.trace.lines() if '"end"' not in e
        ]

    def test_a_remote_model_costs_at_most_its_longest_request(self) -> None:
        """1 sample x (21,024 tokens read x 1 + 8,192 written x 2 dollars a million) = 0.037408 dollars."""
        remote = ModelTool("http://127.0.0.1:9/v1#m", prices="1,2")
        assert remote.price == pytest.approx(0.037408)
        assert not remote.local
        assert ModelTool("http://127.0.0.1:9/v1#m").price is None


def test_retrieval_finds_the_passage_that_a_query_is_about(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    for k, text in enumerate(["Bonn lies on the Rhine.", "The price of apples rose.", "Trains leave at noon."]):
        (tmp_path / f"{k}.txt").write_text(text)
    [library] = open_tools(f"folder:{tmp_path}")
    found = use(Toolbox([library]), "search", {"query": "when do trains leave"}).text
    assert found.startswith("[2.txt] Trains leave at noon.")


def test_python_runs_in_the_sandbox_or_is_refused() -> None:
    try:
        [python] = open_tools("python")
    except TTSError as error:
        assert "sandbox" in str(error)  # noqa: PT017
        pytest.skip(str(error))
    box: list[Tool] = [python]
    assert use(Toolbox(box), "python", {"code": "print(6 * 7)"}).text.strip() == "42"
    assert "ZeroDivisionError" in use(Toolbox(box), "python", {"code": "1 / 0"}).text
