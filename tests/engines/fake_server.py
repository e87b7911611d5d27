"""A small HTTP server that behaves like vLLM, llama.cpp, a plain OpenAI-compatible server or a chat-only one.

It samples from a tiny model of the transformers engine, so what comes back over HTTP can be laid next to what that
engine gives itself. ``failures`` are acted out first, one a request: a status with headers, a way to misbehave, or the
bytes that :class:`tests.engines.fake_http.Says` holds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

import torch
from jinja2 import TemplateError

from tests.engines.fake_http import FakeHandler, Json
from tts.engines.transformers.policy import TransformersPolicy
from tts.protocols import Request
from tts.types import Node, Problem, Step, Until

Variant = Literal["vllm", "openai", "llama.cpp", "chat"]


@dataclass(eq=False)
class FakeServer:
    """Serves one model under ``name`` on a free port for as long as the ``with`` lasts.

    Attributes:
        variant: whose protocol it speaks.
        policy: what it samples from.
        prm: a reward module and its tokenizer's step mark, for ``/pooling``.
        rows: which rows ``/pooling`` gives: all, those at step marks, the last two (a read cache), logits, none.
        key: the API key it wants.
        logprobs: most alternatives of a token that it gives; 0 refuses, -1 ignores what is asked for.
        most: choices it gives in one answer; 0 refuses to give several.
        entry: what its list says of the model besides.
        refused: the name of a field that it refuses; empty for none.
        failures: acted out first: a status, (status, headers), "hang", "drop", "html", Says; None answers as ever.
        requests: path, body and headers of all requests so far.
    """

    variant: Variant = "vllm"
    policy: TransformersPolicy | None = None
    prm: Any = None
    mark: int = -1
    rows: Literal["all", "marks", "cached", "logits", "none"] = "all"
    name: str = "tiny"
    served: tuple[str, ...] = ()
    key: str = ""
    logprobs: int = 20
    slow: float = 0.0
    most: int = 128
    entry: Json = field(default_factory=dict)
    refused: str = ""
    failures: list[Any] = field(default_factory=list)
    requests: list[tuple[str, Json, dict[str, str]]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    _known: dict[str, list[int]] = field(default_factory=dict)
    flying: int = 0
    peak: int = 0

    def __enter__(self) -> FakeServer:
        fake = self

        class Handler(FakeHandler):
            server_state = fake

        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.die()

    def die(self) -> None:
        """Stop listening and drop every connection."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1#{self.name}"

    def asked(self, path: str) -> list[Json]:
        return [body for where, body, _ in self.requests if where == path]

    # -- answers -----------------------------------------------------------------------------------------------------

    def answer(self, path: str, body: Json) -> tuple[int, Json]:
        routes = {
            "/v1/models": self.models,
            "/v1/completions": self.completions,
            "/v1/chat/completions": self.chat,
            "/tokenize": self.tokenize,
            "/detokenize": self.detokenize,
            "/apply-template": self.apply_template,
            "/props": lambda _: (200, {"default_generation_settings": {"n_ctx": 200}}),
            "/pooling": self.pooling,
        }
        offered = {
            "vllm": {"/v1/models", "/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize", "/pooling"},
            "openai": {"/v1/models", "/v1/completions", "/v1/chat/completions"},
            "llama.cpp": {"/v1/models", "/v1/completions", "/tokenize", "/apply-template", "/props"},
            "chat": {"/v1/models", "/v1/chat/completions"},
        }[self.variant]
        if path not in offered:
            return 404, {"error": {"message": "no such route"}}
        if self.refused and self.refused in body:
            return 400, {"error": {"message": f"{self.refused} is not supported"}}
        return routes[path](body)

    def models(self, _: Json) -> tuple[int, Json]:
        more = {"max_model_len": self._policy.context} if self.variant == "vllm" and self.policy else {}
        more |= {"created": time.time()} | self.entry
        return 200, {"data": [{"id": name, **more} for name in self.served or (self.name,)]}

    def completions(self, body: Json) -> tuple[int, Json]:
        if body["model"] not in (self.served or (self.name,)):
            return 404, {"error": {"message": f"The model {body['model']} does not exist."}}
        prompt = body["prompt"] if isinstance(body["prompt"], list) else self._ids(body["prompt"])
        if len(prompt) + body["max_tokens"] > self._policy.context:
            return 400, {"error": {"message": f"This model's maximum context length is {self._policy.context} tokens."}}
        if 0 <= self.logprobs < (body.get("logprobs") or 0):
            return 400, {"error": {"message": f"logprobs must be at most {self.logprobs}"}}
        count = max(1, min(body.get("n", 1), self.most))
        if body.get("n", 1) > 1 and (self.most < 1 or body.get("temperature", 1.0) == 0):
            return 400, {"error": {"message": "n must be 1"}}
        found = [self._choice(prompt, body, index) for index in range(count)]
        choices, tokens = [choice for choice, _ in found], [token for _, tokens in found for token in tokens]
        return 200, {"choices": choices[::-1], "usage": {"completion_tokens": len(tokens)}, "tokens": tokens}

    def _choice(self, prompt: list[int], body: Json, index: int) -> tuple[Json, list[int]]:
        seed = {"seed": body["seed"] + index} if "seed" in body else {}
        tokens, ended = self._sample(prompt, body | seed)
        tokens, text, stopped = self._stopped_at(tokens, body.get("stop", []))
        self._remember(body["prompt"], prompt, tokens)
        finish = "stop" if ended or stopped else "length"
        choice: Json = {"index": index, "text": text, "finish_reason": finish, "logprobs": None}
        if body.get("logprobs") and self.logprobs > 0:
            tops = self._logprobs(prompt, tokens, body["logprobs"])
            content = [{"token": own[0], "logprob": own[1], "top_logprobs": [
                {"token": text, "logprob": value} for text, value in top]} for own, top in tops]  # fmt: skip
            lists = {
                "tokens": [own[0] for own, _ in tops], "token_logprobs": [own[1] for own, _ in tops],
                "top_logprobs": [dict(top) for _, top in tops],
            }  # fmt: skip
            choice["logprobs"] = {"content": content} if self.variant == "llama.cpp" else lists
        if self.variant == "vllm":
            choice |= {"stop_reason": stopped, "token_ids": tokens if body.get("return_token_ids") else None}
        return choice, tokens

    def chat(self, body: Json) -> tuple[int, Json]:
        prompt = self._policy._text.encode(self._template(body))
        tokens, ended = self._sample(prompt, body)
        message = {"role": "assistant", "content": self._policy._text.decode(tokens)}
        if body.get("logprobs") and self.logprobs == 0:
            return 400, {"error": {"message": "logprobs are not supported"}}
        choice: Json = {"index": 0, "message": message, "finish_reason": "stop" if ended else "length"}
        if body.get("logprobs") and self.logprobs > 0:
            choice["logprobs"] = {
                "content": [
                    {"token": own[0], "logprob": own[1], "top_logprobs": [
                        {"token": text, "logprob": value} for text, value in top]}
                    for own, top in self._logprobs(prompt, tokens, body["top_logprobs"])
                ]
            }  # fmt: skip
        return 200, {"choices": [choice], "usage": {"completion_tokens": len(tokens)}}

    def tokenize(self, body: Json) -> tuple[int, Json]:
        if self.variant == "llama.cpp":
            return 200, {"tokens": self._policy._text.encode(body.get("content", ""))}
        try:
            text = self._template(body) if "messages" in body else body["prompt"]
        except TemplateError as error:
            return 400, {"error": {"message": str(error)}}
        tokens = self._policy._text.encode(text)
        return 200, {"tokens": tokens, "count": len(tokens), "max_model_len": self._policy.context}

    def detokenize(self, body: Json) -> tuple[int, Json]:
        return 200, {"prompt": self._policy._text.tokenizer.decode(body["tokens"])}

    def apply_template(self, body: Json) -> tuple[int, Json]:
        return 200, {"prompt": self._template(body)}

    def pooling(self, body: Json) -> tuple[int, Json]:
        if body["model"] != self.name:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
        tokens = body["input"]
        with self._lock, torch.inference_mode():
            logits = self.prm(torch.tensor([tokens]))[0].float()
        rows = (logits if self.rows == "logits" else logits.softmax(-1)).tolist()
        if self.rows == "marks":
            rows = [row for row, token in zip(rows, tokens, strict=True) if token == self.mark]
        elif self.rows == "none":
            rows = []
        elif self.rows == "cached" and "cache_salt" not in body:
            rows = rows[-2:]
        return 200, {"data": [{"index": 0, "data": rows}], "usage": {"prompt_tokens": len(tokens)}}

    # -- the model ---------------------------------------------------------------------------------------------------

    @property
    def _policy(self) -> TransformersPolicy:
        assert self.policy is not None
        return self.policy

    def _template(self, body: Json) -> str:
        text: str = self._policy._text.tokenizer.apply_chat_template(
            body["messages"], tokenize=False, add_generation_prompt=True, **body.get("chat_template_kwargs", {})
        )
        return text

    def _ids(self, text: str) -> list[int]:
        """The ids of a text: those sampled for it, so that a random model's odd texts are read as they were written."""
        return self._known.get(text) or self._policy._text.encode(text)

    def _remember(self, text: str | list[int], prompt: list[int], tokens: list[int]) -> None:
        if isinstance(text, str):
            for count in range(1, len(tokens) + 1):
                self._known[text + self._policy._text.decode(tokens[:count])] = [*prompt, *tokens[:count]]

    def _sample(self, prompt: list[int], body: Json) -> tuple[list[int], bool]:
        """Tokens to a step's end where the caller stops there, else to the end or the limit."""
        node = Node(Step("", tuple(prompt)), "/")
        until = Until.STEP if body.get("stop") else Until.END
        request = Request(
            Problem("any"), node, "/0", int(body.get("seed", 0)) * 0x9E3779B97F4A7C15 % 2**64, until,
            body["max_tokens"], body.get("temperature", 1.0), body.get("top_p", 1.0),
        )  # fmt: skip
        completion = asyncio.run(self._policy.generate(request))
        return [token for step in completion.steps for token in step.tokens], completion.finish == "stop"

    def _logprobs(self, prompt: list[int], tokens: list[int], count: int) -> list[tuple[Any, list[Any]]]:
        """Token and log-probability of each sampled token, and of the likeliest ones in its place."""
        policy = self._policy
        with self._lock, torch.inference_mode():
            hidden = policy._decoder(torch.tensor([[*prompt, *tokens]])).last_hidden_state[0, len(prompt) - 1 : -1]
            known = policy._head(hidden).float().log_softmax(-1)
        text = policy._text.tokenizer.decode  # special tokens by their names, so that no two texts are equal
        found = []
        for row, token in zip(known, tokens, strict=True):
            values, ids = row.topk(count)
            top = [(text([i]), value) for i, value in zip(ids.tolist(), values.tolist(), strict=True)]
            found.append(((text([token]), float(row[token])), top))
        return found

    def _stopped_at(self, tokens: list[int], stops: list[str]) -> tuple[list[int], str, str | None]:
        """Cut where a stop string is complete, as vLLM does: the ids keep that token, the text loses the string."""
        for count in range(1, len(tokens) + 1) if stops else ():
            text = self._policy._text.decode(tokens[:count])
            for stop in stops:
                if stop in text:
                    return tokens[:count], text[: text.find(stop)], stop
        return tokens, self._policy._text.decode(tokens), None
