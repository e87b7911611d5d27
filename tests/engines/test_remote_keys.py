"""An API key is sent only to the origin that it was given for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engines.fake_http import Says
from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask
from tts.engines.remote.address import Address, Patience
from tts.engines.remote.policy import RemotePolicy
from tts.errors import BadInput, TTSError
from tts.types import Node, Until

Connect = Callable[..., RemotePolicy]
Fakes = Callable[..., FakeServer]

KEY = "sk-a-secret"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TTS_API_KEY", KEY)
    return KEY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("variant", ["vllm", "openai", "chat"])
async def test_no_redirect_carries_it_to_another_origin(
    fakes: Fakes, connect: Connect, key: str, status: int, variant: str
) -> None:
    home, thief = fakes(variant, key=key), fakes(variant)
    remote = connect(home)
    root = Node(remote.prompt(PROBLEM), "/")
    for target in (f"{thief.root}/v1/completions", f"//{thief.root.removeprefix('http://')}/v1"):
        home.failures = [Says([b"{}"], status, headers={"Location": target})]
        with pytest.raises(BadInput, match=r"sends us on to .*: give that address instead"):
            await remote.generate(ask(root, until=Until.END if variant == "chat" else Until.STEP))
    home.failures = [Says([b"{}"], status, headers={"Location": thief.root})]
    with pytest.raises(BadInput, match="sends us on"):
        connect(home)
    assert all(headers["authorization"] == f"Bearer {KEY}" for _, _, headers in home.requests)
    assert thief.requests == []


def test_nor_from_http_to_https_or_a_sister_host(fakes: Fakes, connect: Connect, key: str) -> None:
    home = fakes("openai", key=key)
    for target in (home.root.replace("http:", "https:"), home.root.replace("127.0.0.1", "localhost")):
        home.failures = [Says([], 308, headers={"Location": f"{target}/v1/models"})]
        with pytest.raises(BadInput, match="give that address instead"):
            connect(home)
    assert len(home.requests) == 2


def test_a_hash_ends_the_address(fakes: Fakes, connect: Connect, key: str) -> None:
    """What follows is a model's name, whatever it looks like to a browser."""
    home, thief = fakes("openai", key=key, served=("tiny",)), fakes("openai")
    other = thief.root.removeprefix("http://")
    for name in (f"@{other}/v1", f".{other}", f"tiny@{other}"):
        with pytest.raises(TTSError, match="does not serve"):
            connect(f"{home.root}/v1#{name}")
    assert home.requests
    assert thief.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "http://good.example@evil.example/v1#tiny",
        "http://good.example:80@evil.example/v1",
        "http://good.example%2f@evil.example/",
        "http://good.example\\@evil.example/v1",
        "http://@evil.example/v1",
        "http://:@evil.example/v1",
        "http://good.example?@evil.example/",
        "http://evil.example/v1?key=1",
        "http://good.example%00.evil.example/",
        "http://good.example;evil.example/",
        "http://good.example evil.example/",
        "http://[::1]@evil.example/",
        "http://[::1].evil.example/",
        "http://good.example:80:90/",
        "http://good.example:99999/",
        "http:///evil.example/",
        "http:evil.example",
    ],
)
def test_an_address_that_two_readers_would_read_differently_is_refused(address: str) -> None:
    with pytest.raises(BadInput) as caught:
        Address.parse(address)
    assert "\n" not in str(caught.value)


def test_openais_key_is_for_openai_or_whom_its_base_url_names(
    fakes: Fakes, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    home, other = fakes("openai"), fakes("openai")
    patience = Patience()
    assert patience.key(Address.parse("https://api.openai.com/v1")) == KEY
    for url in ("http://api.openai.com/v1", "https://api.openai.com:444/v1", "https://api.openai.com.evil.example/v1"):
        assert patience.key(Address.parse(url)) == "", url
    monkeypatch.setenv("OPENAI_BASE_URL", f"{home.root}/v1")
    connect(home)
    connect(other)
    assert {headers.get("authorization") for _, _, headers in home.requests} == {f"Bearer {KEY}"}
    assert {headers.get("authorization") for _, _, headers in other.requests} == {None}
    assert patience.key(Address.parse("https://api.openai.com/v1")) == ""
    monkeypatch.setenv("OPENAI_BASE_URL", "no address")
    assert patience.key(Address.parse("https://api.openai.com/v1")) == ""


@pytest.mark.parametrize("key", ["a\nX-Other: 1", "schlüssel", "a\x00b", "a\x7fb"])
def test_a_key_that_no_header_holds_is_one_sentence(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"TTS_API_KEY": key})
    with pytest.raises(BadInput, match="TTS_API_KEY holds characters that no key has") as caught:
        Patience().key(Address.parse("http://host/v1"))
    assert key not in str(caught.value)


async def test_a_server_that_echoes_it_does_not_print_it(fakes: Fakes, connect: Connect, key: str) -> None:
    home = fakes("chat", key=key)
    remote = connect(home, retries=0)
    for status in (400, 500):
        home.failures = [Says.json({"error": {"message": f"you sent {KEY} to us", "code": status}})]
        with pytest.raises(TTSError, match=r"you sent \*\*\* to us") as caught:
            await remote.generate(ask(Node(remote.prompt(PROBLEM), "/"), until=Until.END))
        assert KEY not in str(caught.value)
