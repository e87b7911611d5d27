"""Server replies that are wrong, truncated, or of an unexpected type."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.fake_http import Says
from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask
from tts import Solver
from tts.engines.remote import client
from tts.engines.remote.policy import RemotePolicy
from tts.errors import EngineError, ModelError
from tts.protocols import Completion
from tts.types import Finish, Node, Step, Until

Connect = Callable[..., RemotePolicy]
Fakes = Callable[..., FakeServer]

REFUSAL = {"error": {"message": "This model's maximum context length is 48 tokens.", "code": 400}}
SURROGATE = "half \ud83d pair \\boxed{7}"


def chat(content: Any, reason: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": reason}], **more}


def raw(text: Any, reason: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "finish_reason": reason}], **more}


def tokens_of(completion: Completion) -> int:
    return sum(len(step.tokens) for step in completion.steps)


def text_of(completion: Completion) -> str:
    return "".join(step.text for step in completion.steps)


@pytest.fixture
def talk(fakes: Fakes, connect: Connect) -> Callable[..., Any]:
    """What a chat-only server's answers become."""
    fake = fakes("chat")
    remote = connect(fake, retries=1)

    async def generate(*answers: Any, tokens: int = 100) -> Completion:
        fake.failures = [a if isinstance(a, (Says, str, int, type(None))) else Says.json(a) for a in answers]
        root = Node(remote.prompt(PROBLEM), "/")
        completion = await remote.generate(ask(root, until=Until.END, tokens=tokens))
        assert not fake.failures, "every answer was asked for"
        return completion

    return generate


@pytest.fixture
def pour(fakes: Fakes, connect: Connect) -> Callable[..., Any]:
    """What the answers of a server of raw completions become, whose steps are streamed."""
    fake = fakes("openai")
    remote = connect(fake, retries=1)

    async def generate(*answers: Any, tokens: int = 100, until: Until = Until.STEP) -> Completion:
        fake.failures = [a if isinstance(a, Says) else Says.json(a) for a in answers]
        root = Node(remote.prompt(PROBLEM), "/")
        completion = await remote.generate(ask(root, until=until, tokens=tokens))
        assert not fake.failures, "every answer was asked for"
        return completion

    return generate


class TestErrorsInAnAnswer:
    @pytest.mark.parametrize(
        "body",
        [
            {"error": {"message": "upstream overloaded", "code": 502}},
            {"error": {"message": "upstream overloaded", "code": "503"}},
            {"error": {"message": "upstream overloaded", "type": "rate_limit_error"}},
            {"error": "upstream overloaded"},
            {"object": "error", "message": "upstream overloaded", "code": 500},
            {"choices": [{"error": {"message": "upstream overloaded", "code": 502}, "finish_reason": "error"}]},
            {"error": {"message": "upstream overloaded"}, "status": 500, "choices": []},
        ],
    )
    async def test_a_200_with_an_error_that_may_pass_is_tried_again(self, talk: Any, body: Any) -> None:
        assert text_of(await talk(body, chat("It is 7."))) == "It is 7."
        with pytest.raises(EngineError, match=r"failed 2 times: it answered [45]\d\d \(upstream overloaded\)"):
            await talk(body, body)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"error": {"message": "no such temperature", "code": 400}}, r"\(400\): no such temperature\."),
            ({"error": {"message": "no such knob", "type": "invalid_request_error"}}, r"\(400\): no such knob\."),
            ({"object": "error", "message": "bad", "code": 422}, r"\(422\): bad\."),
            ({"error": {"message": "pay first", "code": 402}}, r"\(402\): pay first\."),
        ],
    )
    async def test_a_200_with_an_error_that_stays_is_said_at_once(self, talk: Any, body: Any, words: str) -> None:
        with pytest.raises(EngineError, match=f"refused the request {words}"):
            await talk(body)

    async def test_a_200_that_does_not_take_the_key_says_so(self, talk: Any) -> None:
        with pytest.raises(ModelError, match=r"does not accept the API key \(401\)"):
            await talk({"error": {"message": "who are you", "type": "authentication_error"}})

    @pytest.mark.parametrize("nothing", [None, "", {}, [], False, {"message": "", "code": 0}])
    async def test_an_error_that_says_nothing_is_none(self, talk: Any, nothing: Any) -> None:
        assert text_of(await talk(chat("It is 7.", error=nothing))) == "It is 7."

    async def test_an_answer_without_choices_repeats_what_the_server_says(self, talk: Any) -> None:
        with pytest.raises(EngineError, match=r"without choices \(come back tomorrow\): is it OpenAI-compatible"):
            await talk({"detail": "come back tomorrow"})


class TestStreams:
    async def test_an_error_inside_is_a_failure_and_no_token_limit(self, pour: Any) -> None:
        half, error = raw("So two", None), {"error": {"message": "lost a node", "code": 502}}
        found = await pour(Says.events(half, error, done=False), Says.events(raw("So five.\n\n", None)))
        assert (text_of(found), found.finish) == ("So five.\n\n", Finish.STEP)
        for broken in (
            Says.events(half, error),
            Says([*Says.events(half, done=False).pieces, b'event: error\ndata: {"message": "lost a node"}\n\n']),
        ):
            with pytest.raises(EngineError, match=r"failed 2 times: it answered 50[02] \(lost a node\)"):
                await pour(broken, broken)

    async def test_an_error_that_stays_is_said_at_once(self, pour: Any) -> None:
        refused = Says.events({"error": {"message": "no such knob", "code": 400}}, done=False)
        with pytest.raises(EngineError, match=r"refused the request \(400\): no such knob"):
            await pour(refused)

    async def test_one_that_just_ends_is_a_failure_and_no_token_limit(self, pour: Any) -> None:
        broken = Says.events(raw("So two", None), done=False)
        assert text_of(await pour(broken, Says.events(raw("So five.", "stop"), done=False))) == "So five."
        for nothing in (broken, Says([]), Says([b": ping\n\n"]), Says([b"data: \n\n"])):
            with pytest.raises(EngineError, match="failed 2 times: its answer broke off"):
                await pour(nothing, nothing)

    async def test_one_that_is_done_without_an_answer_says_so(self, pour: Any) -> None:
        with pytest.raises(EngineError, match="answered without choices"):
            await pour(Says.events({"usage": {"completion_tokens": 3}}))

    async def test_a_whole_answer_in_its_place_is_read(self, pour: Any) -> None:
        whole = raw("One.\n\nTwo.\n\nThree.", "stop", usage={"completion_tokens": 9})
        found = await pour(whole)
        assert (text_of(found), found.finish, tokens_of(found)) == ("One.\n\n", Finish.STEP, 3)
        found = await pour(Says([b"\n ", json.dumps(raw("Two.")).encode()]))
        assert (text_of(found), found.finish) == ("Two.", Finish.STOP)
        with pytest.raises(EngineError, match="something else than a JSON object"):
            await pour(Says([b"<html>welcome</html>"]))

    async def test_lines_of_every_kind_are_read(self, pour: Any) -> None:
        """Comments, names of events, CRLF, a byte order mark of its own, no space after the colon, no end."""
        event = json.dumps(raw("So five.", "stop")).encode()
        for pieces in (
            [b": hello\r\n\r\n", b"event: completion\r\n", b"id: 4\r\ndata:" + event + b"\r\n\r\n"],
            [b"data: " + event],
            [b"da", b"ta: " + event[:20], event[20:], b"\n"],
        ):
            assert text_of(await pour(Says(pieces))) == "So five."

    async def test_an_event_of_megabytes_is_one_sentence(self, pour: Any) -> None:
        for piece in (b"data: " + json.dumps(raw("7" * 3_000_000)).encode() + b"\n\n", b"data: " + b"x" * 3_000_000):
            with pytest.raises(EngineError, match="an event of more than 1 MB in a stream"):
                await pour(Says([piece]))

    async def test_halves_of_a_character_in_two_events_are_one_character(self, pour: Any) -> None:
        found = await pour(Says.events(raw("\ud83d", None), raw("\ude00 is 7.", "stop")))
        assert text_of(found) == "😀 is 7."
        assert text_of(await pour(Says.events(raw(SURROGATE, "stop")))) == "half \ufffd pair \\boxed{7}"


class TestEnds:
    @pytest.mark.parametrize("reason", [None, "end_turn", "", "whatever\nit is", 7, ["stop"], {"a": 1}])
    async def test_an_answer_whose_end_the_server_does_not_explain_is_one_with_a_warning(
        self, talk: Any, reason: Any
    ) -> None:
        found = await talk(chat("It is \\boxed{7}.", reason, usage={"completion_tokens": 8}))
        assert found.finish is Finish.STOP
        [warning] = found.warnings
        assert "answers below the token limit count as finished" in warning
        assert "\n" not in warning

    def test_the_warning_reaches_the_solution_and_its_replay(self, fakes: Fakes, connect: Connect) -> None:
        fake = fakes("chat")
        remote = connect(fake)
        fake.failures = [Says.json(chat("So \\boxed{7}.", None)) for _ in range(4)]
        solution = asyncio.run(Solver(remote, None, "majority", 4).solve("take 2 + 5 ?"))
        assert solution.answer == "7"
        [warning] = [w for w in solution.warnings if "does not say why an answer ended" in w]
        again = asyncio.run(Solver.replay(solution.trace).solve(solution.problem))
        assert warning in again.warnings

    async def test_at_the_token_limit_an_unexplained_end_is_a_cut(self, talk: Any) -> None:
        found = await talk(chat("It is \\boxed{7}.", None, usage={"completion_tokens": 10}), tokens=10)
        assert (found.finish, found.warnings) == (Finish.LENGTH, ())

    async def test_a_stop_at_the_token_limit_with_a_torn_text_is_a_cut(self, talk: Any, pour: Any) -> None:
        usage = {"completion_tokens": 10}
        assert (await talk(chat("So \\boxed{7} and 4 tim", usage=usage), tokens=10)).finish is Finish.LENGTH
        assert (await talk(chat("So it is \\boxed{7}.", usage=usage), tokens=10)).finish is Finish.STOP
        assert (await talk(chat("So \\boxed{7} and 4 tim", usage=usage), tokens=11)).finish is Finish.STOP
        events = [raw("So ", None), raw("it is", None), raw("", "stop")]
        assert (await pour(Says.events(*events), tokens=2)).finish is Finish.LENGTH
        assert (await pour(Says.events(*events), tokens=3)).finish is Finish.STOP

    async def test_token_ids_beyond_the_limit_are_left_out(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        choice = {"index": 0, "text": "a a a", "token_ids": [9] * 50, "finish_reason": "stop", "stop_reason": None}
        fake.failures = [None, Says.json({"choices": [choice]})]
        root = Node(remote.prompt(PROBLEM), "/")
        found = await remote.generate(ask(root, until=Until.END, tokens=20))
        assert (tokens_of(found), found.finish) == (20, Finish.LENGTH)

    @pytest.mark.parametrize("ids", [[-1], [2**40], [1.5], [True], "12", {"a": 1}, None, [[1]]])
    async def test_token_ids_that_are_none_are_one_sentence(self, fake: FakeServer, connect: Connect, ids: Any) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = [Says.json({"choices": [{"text": "a", "token_ids": ids, "finish_reason": "stop"}]})]
        with pytest.raises(EngineError, match="did not say which token ids it sampled"):
            await remote.generate(ask(root, until=Until.END))


class TestTexts:
    async def test_content_in_parts_is_its_text(self, talk: Any) -> None:
        parts = [{"type": "text", "text": "So \\boxed{"}, {"type": "image"}, "\\frac{1}{2}", {"text": "}"}, {"text": 3}]
        assert text_of(await talk(chat(parts))) == "So \\boxed{\\frac{1}{2}}"

    async def test_half_a_character_is_a_sign_of_replacement(self, talk: Any) -> None:
        """Without and with a count of tokens: both once ended in a traceback."""
        for usage in ({}, {"usage": {"completion_tokens": 9}}):
            found = await talk(chat(SURROGATE, **usage))
            assert text_of(found) == "half \ufffd pair \\boxed{7}"

    @pytest.mark.parametrize("content", [7, True, {"text": "It is 7."}])
    async def test_a_text_that_is_none_is_one_sentence(self, talk: Any, content: Any) -> None:
        with pytest.raises(EngineError, match="where a text belongs"):
            await talk(chat(content))

    @pytest.mark.parametrize(
        "body",
        [
            b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b'{"choices":' + b'{"a":' * 100_000,
            b"{\xff\xfe",
            b'{"choices": [{"message": {"content": "It is 7."',
            b"[]",
            b'{"n": ' + b"9" * 10_000 + b"}",
        ],
    )
    async def test_what_is_no_json_object_is_one_sentence(self, talk: Any, pour: Any, body: bytes) -> None:
        for answers in (talk, pour):
            with pytest.raises(EngineError, match="something else than a JSON object") as caught:
                await answers(Says([body]))
            assert "\n" not in str(caught.value)

    async def test_an_answer_without_end_is_given_up(
        self, talk: Any, pour: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "_BODY", 1 << 20)
        with pytest.raises(EngineError, match="an answer of more than 1 MB"):
            await talk(Says([b'{"a": "', *[b"x" * 100_000] * 30]))
        with pytest.raises(EngineError, match="an answer of more than 1 MB"):
            await pour(Says([b": ping\n" * 10_000] * 30))

    async def test_a_refusal_without_end_is_read_at_its_beginning(self, talk: Any) -> None:
        refusal = json.dumps({"error": "no " * 5_000_000}).encode()
        with pytest.raises(EngineError, match=r"refused the request \(400\)") as caught:
            await talk(Says([refusal], 400))
        assert len(str(caught.value)) < 500

    async def test_foreign_words_are_one_line_that_no_terminal_obeys(self, talk: Any) -> None:
        with pytest.raises(EngineError) as caught:
            await talk(Says.json({"error": {"message": "\x1b[2J\r\nall \ud83d gone\u202e", "code": 400}}))
        assert str(caught.value).isprintable()


class TestCounts:
    @pytest.mark.parametrize("count", [20_000, 3_000_000_000, 10**30, -5, 3e9, "12", True, None, [7], 1e300])
    async def test_a_count_is_not_believed_beyond_what_was_asked(self, talk: Any, pour: Any, count: Any) -> None:
        text = "It is \\boxed{7}."  # 16 bytes, so about 4 tokens
        assert tokens_of(await talk(chat(text, usage={"completion_tokens": count}))) == 4
        events = Says.events(raw(text, None), raw("", "stop", usage={"completion_tokens": count}))
        assert tokens_of(await pour(events)) in (1, 2, 4), "what came, event by event, or an estimate"

    async def test_a_count_within_what_was_asked_is(self, talk: Any) -> None:
        assert tokens_of(await talk(chat("It is 7.", usage={"completion_tokens": 100}))) == 100

    async def test_more_steps_than_tokens_are_steps_of_one_token_and_a_last_one(self, talk: Any) -> None:
        found = await talk(chat("a\n\n" * 300), tokens=50)
        assert (len(found.steps), tokens_of(found), text_of(found)) == (50, 50, "a\n\n" * 300)

    async def test_an_estimate_is_within_what_was_asked_too(self, talk: Any) -> None:
        assert tokens_of(await talk(chat("many words " * 1000), tokens=50)) == 50


class TestContext:
    @pytest.mark.parametrize("variant", ["openai", "chat", "vllm"])
    async def test_a_length_in_a_refusal_does_not_hold_for_later_problems(
        self, fakes: Fakes, connect: Connect, variant: Any
    ) -> None:
        fake = fakes(variant)
        remote = connect(fake)
        route = "/v1/chat/completions" if variant == "chat" else "/v1/completions"
        before = remote.context
        for length in (10, 70):  # 48 leaves the first one some room
            fake.requests.clear()
            fake.failures = [Says.json(REFUSAL, 400)]
            found = await remote.generate(ask(Node(prompt_of(length), "/"), until=Until.END, tokens=200))
            assert isinstance(found, Completion)
            fake.requests.clear()
            await remote.generate(ask(Node(prompt_of(20), "/"), until=Until.END, tokens=200))
            assert fake.asked(route)[0]["max_tokens"] == 200
        assert remote.context == before

    async def test_it_holds_for_the_steps_of_its_own_problem(self, fakes: Fakes, connect: Connect) -> None:
        fake = fakes("openai")
        remote = connect(fake)
        root = Node(prompt_of(10), "/")
        fake.failures = [Says.json(REFUSAL, 400)]
        for _ in range(2):
            await remote.generate(ask(root, until=Until.END, tokens=200))
        assert [body["max_tokens"] for body in fake.asked("/v1/completions")][-3:] == [200, 38, 38]

    async def test_what_the_server_lists_holds_against_it(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        assert remote.context == 512
        fake.failures = [Says.json(REFUSAL, 400)]
        fake.requests.clear()
        await remote.generate(ask(Node(prompt_of(10), "/"), until=Until.END, tokens=200))
        assert [body["max_tokens"] for body in fake.asked("/v1/completions")] == [200, 100]


def prompt_of(length: int) -> Step:
    return Step("add " * length, (20,) * length)
