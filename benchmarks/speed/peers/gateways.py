"""The servers of its_hub and optillm beside ours, in front of the same vLLM server, with the same requests.

All run at once, and every eight problems are asked of each server in turn, so that what else the machine does concerns
all alike. What a server says that it used is compared with what the vLLM server counted meanwhile. Then come the
requests in which such servers differ: a stream, two choices, a limit of tokens, an unknown field, and clients that hang
up in the midst of a search.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from benchmarks.speed.harness import Bench, Measurement, Scale
from benchmarks.speed.peers.search_and_learn import is_right
from benchmarks.speed.peers.servers import free_ports, running, served_policy
from benchmarks.speed.results_file import Record
from benchmarks.speed.table import Row
from benchmarks.stats.intervals import mean
from benchmarks.word_problems.generate import DATA
from tts.answers.extract import extract
from tts.files import jsonl

POLICY, PRM = "lab-1m", "lab-prm"
AT_ONCE = 8  # requests to a server
MANY = 64  # samples of the search whose client hangs up
_CLI = Path(__file__).parents[3] / "cli.py"
_BOX = r"\\boxed\{([^}]*)\}"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A server in front of the policy's.

    Attributes:
        name: of the project.
        command: from an interpreter, the policy's address and a port to what is run.
        body: from a strategy and N to the fields that ask for them; its strategies are the keys.
        variables: further environment.
        configure: body of a request to ``/configure`` before the first one, from the policy's address.
        ready: a route that answers once it runs.
        fixed: N of the strategies whose N is set when the server is started.
    """

    name: str
    command: Callable[[str, str, int], Sequence[str]]
    body: Mapping[str, Callable[[int], dict[str, Any]]]
    variables: Mapping[str, str] = field(default_factory=dict)
    configure: Callable[[str], dict[str, Any]] | None = None
    ready: str = "/v1/models"
    fixed: Mapping[str, int] = field(default_factory=dict)

    def serves(self, strategy: str, n: int) -> bool:
        """Return whether a request can ask for that."""
        return strategy in self.body and self.fixed.get(strategy, n) == n


GATEWAYS = (
    Gateway(
        "ours",
        lambda python, url, port: [
            sys.executable, str(_CLI), "serve", "--policy", f"{url}#{POLICY}", "--prm", PRM, "--port", str(port)],
        {"majority": lambda n: {"model": "majority", "tts": {"budget": n}},
         "best-of-n": lambda n: {"model": "best-of-n", "tts": {"budget": n}}},
        ready="/health",
    ),
    Gateway(
        "its_hub",
        lambda python, url, port: [str(Path(python).parent / "its-iaas"), "--port", str(port)],
        {"majority": lambda n: {"model": POLICY, "budget": n}},
        configure=lambda url: {
            "endpoint": url, "api_key": "none", "model": POLICY, "alg": "self-consistency", "regex_patterns": [_BOX]},
    ),
    Gateway(
        "optillm",
        lambda python, url, port: [
            str(Path(python).parent / "optillm"), "--base-url", url, "--port", str(port), "--best-of-n", "4"],
        {"majority": lambda n: {"model": f"majority_voting-{POLICY}", "k": n},
         "best-of-n": lambda n: {"model": f"bon-{POLICY}"}},
        {"OPENAI_API_KEY": "none"},
        ready="/health",
        fixed={"best-of-n": 4},
    ),
)  # fmt: skip


def measurements(scale: Scale) -> Iterator[Measurement]:
    yield Measurement("gateways/all", _measure)


async def _measure(bench: Bench) -> dict[str, Any]:
    bench.close()
    python = str(bench.peer_python or "")
    chosen = [gateway for gateway in GATEWAYS if python or gateway.name == "ours"]
    asked = _problems(bench.scale.gateway_problems)
    async with AsyncExitStack() as stack:
        backend = stack.enter_context(served_policy(POLICY, bench.work / "servers"))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)))
        clients = []
        for gateway, port in zip(chosen, free_ports(len(chosen)), strict=True):
            command, address = gateway.command(python, backend, port), f"http://127.0.0.1:{port}"
            log = bench.work / "servers" / f"{gateway.name}.log"
            variables = {**os.environ, **gateway.variables, "PYTHONPATH": str(_CLI.parent)}
            stack.enter_context(running(command, variables, address + gateway.ready, log))
            clients.append(Client(session, address, backend.removesuffix("/v1"), gateway))
            if gateway.configure is not None:
                await clients[-1].configure(gateway.configure(backend))
        found: dict[str, Any] = {"searches": {}, "load": os.getloadavg()[0]}
        for strategy, n in itertools.product(("majority", "best-of-n"), bench.scale.peer_widths):
            able = [client for client in clients if client.gateway.serves(strategy, n)]
            found["searches"][f"{strategy} N={n}"] = await _searches(able, strategy, n, asked)
        for client in clients:
            body = client.body("majority", 4, asked[0][0])
            found[client.gateway.name] = {
                "stream": await _stream(client, body), "probes": await _probes(client, asked[0][0]),
                "hang-up": await _hang_up(client, asked),
            }  # fmt: skip
        return found


def _problems(count: int) -> list[tuple[str, str]]:
    """Return problems of lab-validation, as many of each level, and their answers."""
    rows = [row for _, row in jsonl.rows(DATA / "lab-validation.jsonl")]  # by level
    return [(row["problem"], str(row["answer"])) for row in rows[:: len(rows) // count][:count]]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks a gateway, and the vLLM server behind it for its counters."""

    session: aiohttp.ClientSession
    address: str
    backend: str
    gateway: Gateway

    async def configure(self, body: Mapping[str, Any]) -> None:
        async with self.session.post(f"{self.address}/configure", json=body) as reply:
            reply.raise_for_status()

    def body(self, strategy: str, budget: int, text: str, **more: Any) -> dict[str, Any]:
        """Return a chat request; the temperature is that of vLLM and of the gateways that take none.

        Without a limit optillm asks for 4096 tokens, more than the policy's context.
        """
        asked = self.gateway.body[strategy](budget)
        return {"messages": [{"role": "user", "content": text}], "temperature": 1.0, "max_tokens": 256, **asked, **more}

    async def ask(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        async with self.session.post(f"{self.address}/v1/chat/completions", json=body) as reply:
            text = await reply.text()
        try:
            return reply.status, json.loads(text)
        except ValueError:
            return reply.status, text

    async def timed(self, body: Mapping[str, Any]) -> tuple[float, int, Any]:
        """Return the seconds of a request, its status and its answer."""
        begun = time.perf_counter()
        status, reply = await self.ask(body)
        return time.perf_counter() - begun, status, reply

    async def counted(self) -> dict[str, float]:
        """Return the tokens that vLLM has read and sampled."""
        async with self.session.get(f"{self.backend}/metrics") as reply:
            lines = (await reply.text()).splitlines()
        found = {"prompt": 0.0, "generation": 0.0}
        for line in lines:
            for kind in found:
                if line.startswith(f"vllm:{kind}_tokens_total"):
                    found[kind] += float(line.rsplit(" ", 1)[1])
        return found

    async def settled(self) -> float:
        """Return the sampled tokens once their number stands still for a second."""
        last, same = -1.0, 0
        while same < 5:
            now = (await self.counted())["generation"]
            same = same + 1 if now == last else 0
            last = now
            await asyncio.sleep(0.2)
        return last


async def _searches(
    clients: Sequence[Client], strategy: str, n: int, asked: Sequence[tuple[str, str]]
) -> dict[str, dict[str, list[float]]]:
    """Ask each server for a few problems at once, then the next server for the same ones, until all are asked.

    Returns figures by server: of each problem, and tokens of each few.
    """
    kinds = ("seconds", "right", "failed", "said sampled", "counted sampled", "said read", "counted read")
    found = {client.gateway.name: {kind: list[float]() for kind in kinds} for client in clients}
    for client in clients:
        await client.ask(client.body(strategy, n, asked[0][0]))
    for few in (asked[at : at + AT_ONCE] for at in range(0, len(asked), AT_ONCE)):
        for client in clients:
            rows, before = found[client.gateway.name], await client.counted()
            answers = await asyncio.gather(*(client.timed(client.body(strategy, n, text)) for text, _ in few))
            after = await client.counted()
            usages = [reply["usage"] for _, status, reply in answers if status == 200]
            rows["said sampled"].append(sum(usage.get("completion_tokens") or 0 for usage in usages))
            rows["said read"].append(sum(usage.get("prompt_tokens") or 0 for usage in usages))
            rows["counted sampled"].append(after["generation"] - before["generation"])
            rows["counted read"].append(after["prompt"] - before["prompt"])
            for (_, gold), (seconds, status, reply) in zip(few, answers, strict=True):
                content = reply["choices"][0]["message"]["content"] if status == 200 else None
                rows["seconds"].append(seconds)
                rows["right"].append(float(is_right(extract(content or ""), gold)))
                rows["failed"].append(float(status != 200))
    return found


async def _stream(client: Client, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form of a stream: seconds to the first byte and to the end, its chunks, whether usage came."""
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    begun, first, parts = time.perf_counter(), 0.0, list[bytes]()
    async with client.session.post(f"{client.address}/v1/chat/completions", json=asked) as reply:
        async for data in reply.content.iter_any():
            first = first or time.perf_counter() - begun
            parts.append(data)
    seconds = time.perf_counter() - begun
    events = [part[6:] for part in b"".join(parts).decode().split("\n\n") if part.startswith("data: ")]
    chunks = [json.loads(event) for event in events if event != "[DONE]"]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]
    return {
        "first": first, "seconds": seconds, "done": events[-1:] == ["[DONE]"],
        "text_chunks": sum(bool(delta.get("content")) for delta in deltas),
        "progress_chunks": sum(bool(delta.get("reasoning_content")) for delta in deltas),
        "usage": any(chunk.get("usage") for chunk in chunks),
    }  # fmt: skip


async def _probes(client: Client, text: str) -> dict[str, Any]:
    """Return what comes of requests that a server may ignore in silence."""
    _, two = await client.ask(client.body("majority", 4, text, n=2))
    _, short = await client.ask(client.body("majority", 4, text, max_tokens=5))
    unknown, _ = await client.ask(client.body("majority", 4, text, top_kk=5))
    logprobs, shown = await client.ask(client.body("majority", 4, text, logprobs=True))
    tokens = shown["choices"][0].get("logprobs") if logprobs == 200 else None
    async with client.session.post(f"{client.address}/v1/chat/completions", data=b"{", headers=_JSON) as reply:
        malformed, form = reply.status, await reply.text()
    return {
        "choices_of_two": len(two.get("choices", [])) if isinstance(two, dict) else 0,
        "short_finish": short["choices"][0]["finish_reason"] if _answered(short) else None,
        "short_words": len(short["choices"][0]["message"]["content"].split()) if _answered(short) else None,
        "unknown_field": unknown, "logprobs": bool(tokens), "malformed": malformed,
        "error_object": '"error"' in form and '"message"' in form,
    }  # fmt: skip


_JSON = {"content-type": "application/json"}


def _answered(reply: Any) -> bool:
    return isinstance(reply, dict) and bool(reply.get("choices"))


async def _hang_up(client: Client, asked: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Let clients hang up midway; return the tokens sampled before and after."""
    whole = await client.settled()
    texts = [text for text, _ in asked[:8]]
    tasks = [asyncio.create_task(client.ask(client.body("majority", MANY, text))) for text in texts]
    async with asyncio.timeout(60):
        while (await client.counted())["generation"] < whole + 50 and not all(task.done() for task in tasks):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    left = (await client.counted())["generation"]
    return {"before": left - whole, "after": await client.settled() - left}


def rows(record: Record) -> Iterator[Row]:
    for _, found in record.of("gateways"):
        for search, by_name in found["searches"].items():
            for name, figures in by_name.items():
                total = {kind: sum(values) for kind, values in figures.items()}
                note = (
                    f"right {mean(figures['right']).percent()} of {len(figures['right'])}, failed {total['failed']:.0f}"
                    f"; usage over vLLM's count: sampled {total['said sampled']:,.0f}/{total['counted sampled']:,.0f}, "
                    f"read {total['said read']:,.0f}/{total['counted read']:,.0f}"
                )
                yield Row("gateways", f"{name}, {search}", f"{1e3 * median(figures['seconds']):.0f} ms", note=note)
        for name in (gateway.name for gateway in GATEWAYS if gateway.name in found):
            stream, left = found[name]["stream"], found[name]["hang-up"]
            note = (
                f"{stream['text_chunks']} chunks of text, {stream['progress_chunks']} of progress, usage chunk "
                f"{'yes' if stream['usage'] else 'no'}; whole {1e3 * stream['seconds']:.0f} ms"
            )
            yield Row("gateways", f"{name}, first byte of a stream", f"{1e3 * stream['first']:.0f} ms", note=note)
            probes = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found[name]["probes"].items())
            yield Row("gateways", f"{name}, probes", "", note=probes)
            note = f"{left['before']:.0f} before, of 8 searches of N={MANY}"
            yield Row("gateways", f"{name}, tokens sampled after hanging up", f"{left['after']:.0f}", note=note)
