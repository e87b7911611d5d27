"""``tts serve`` as it is typed: mistakes, and its end by a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.command_line import MIA, Tts
from tests.markdown import ROOT


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--budget", "300"], "--budget 300 is more than --max-budget 256: raise that, or lower the budget."),
        (["--max-queue", "0"], "max_queue must be a whole number, 1 or more, not 0."),
        (["--deadline", "-1"], "the deadline must be a number of seconds, 0 or more, not -1.0."),
        (["--port", "99999"], "a port is a number from 0 to 65535, not 99999."),
        (["--host", "256.1.1.1"], "256.1.1.1:8080 cannot be listened on"),
        (["--policy", "lab-3m"], "there is no policy named 'lab-3m': did you mean 'lab-4m'?"),
        (["--pool", "missing.json"], "missing.json"),
        (
            ["--pool", "pool.json", "--policy", "lab-1m"],
            "a pool names its models and searches itself: leave --policy out.",
        ),
        (["--ray-workers", "2"], "--ray-workers goes with --ray, which names the cluster: --ray auto."),
        (["--ray", "auto", "--pool", "pool.json"], "--ray serves one policy, not a pool: leave --pool out, or --ray."),
        (["--ray", "auto", "--policy", "lab-1m", "--policy", "lab-4m"], "--ray serves one policy: name one --policy."),
        (["--top", "2"], "--objective and --top go with --pool."),
        (["--parameter", "beam_widht=2"], "there is no parameter of a strategy named 'beam_widht'"),
    ],
)
def test_a_mistake_is_one_sentence(tts: Tts, arguments: list[str], sentence: str) -> None:
    done = tts("serve", *arguments)
    assert done.code == 2
    assert sentence in done.sentence


def test_a_port_in_use_is_one_sentence(tts: Tts) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = tts("serve", "--port", str(taken.getsockname()[1]))
    assert done.code == 2
    assert "cannot be listened on: Address already in use; choose another --host or --port." in done.sentence


def test_the_typed_server_answers_and_ends_by_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "serve", "--port", "0", "--keep-traces", "1"]
    environment = {**os.environ, "TTS_SERVE_KEY": "secret"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            first = server.stderr.readline()
            assert first.startswith("tts: serving auto, best-of-n, majority")
            address = first.split(" on ")[1].strip()
            body = {"model": "auto", "messages": [{"role": "user", "content": MIA}], "seed": 0}
            headers = {"Content-Type": "application/json", "Authorization": "Bearer secret"}
            request = urllib.request.Request(f"{address}/chat/completions", json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=60) as reply:
                answer = json.load(reply)
            assert answer["tts"]["answer"] == "117"
            assert answer["choices"][0]["message"]["content"].endswith("\\boxed{117}.")
        finally:
            server.send_signal(signal.SIGTERM)
        rest = server.stderr.read().splitlines()
    assert server.returncode == 0
    assert rest[-1] == "tts: the server has ended."
    assert "secret" not in first + "".join(rest)
    assert list(tmp_path.iterdir()) == []
