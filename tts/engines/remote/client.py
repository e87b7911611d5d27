"""One HTTP server as the engines use it: retries, bounded concurrency, and one clear sentence when it is gone.

Its connections live on the background loop of :mod:`tts.aio`, whichever loop a request comes from.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import aiohttp
from aiohttp.http import HttpProcessingError

from tts.aio import Requests, background
from tts.engines.remote.address import Address, Patience
from tts.engines.remote.reply import Json, Reply, failure_in, read, refusal, short
from tts.engines.remote.stream import EVENT, Events, TooLong
from tts.engines.remote.traffic import Traffic
from tts.errors import BadInput, EngineError, ModelError

__all__ = ["Json", "Reply", "Server", "Sink", "close_servers"]

T = TypeVar("T")

_AGAIN = {408, 409, 425, 429}  # the server asks for another try; so do all 5xx but 501 and 505
_LONGEST_WAIT = 60.0  # seconds, however long the server asks us to stay away
_STRIKES = 3  # requests that failed for good before the server counts as gone
_REST = 30.0  # seconds for which a server that is gone is left alone
_LAST = 10.0  # seconds in which connections close
_KEEP = 4.0  # seconds an idle connection is kept; uvicorn, and so vLLM, closes it after 5
_BODY = 64 << 20  # bytes of an answer; those of a pooling server have a row of scores a token
_REFUSAL = 1 << 16  # bytes of a refusal that are read


class Sink(Protocol):
    """Takes the events of a streamed answer one by one."""

    @property
    def complete(self) -> bool:
        """Whether the answer has come to its end, whatever the stream does next."""
        ...

    def take(self, event: Json) -> bool:
        """Return True when it has enough and the rest is to be dropped."""
        ...


S = TypeVar("S", bound=Sink)


class _Passing(Exception):
    """A failure that may pass. ``weight`` is how many strikes it is worth, ``wait`` what the server asked for."""

    def __init__(self, reason: str, weight: int, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.weight, self.wait = weight, wait


class Server:
    """A server that answers JSON with JSON.

    What may pass (no connection, 408, 409, 429, 5xx, no answer in time) is tried again with growing waits. When
    requests have failed for good all the same, the server counts as gone: for half a minute every request fails at
    once with the same sentence, so that a long batch does not wait out each row's tries.

    Args:
        address: where it is.
        patience: how it is treated; the API key is read from the environment now.
    """

    def __init__(self, address: Address, patience: Patience) -> None:
        self.address = address
        self.patience = patience
        self.traffic = Traffic()
        self._key = patience.key(address)
        self._strikes = 0
        self._gone_until = 0.0
        self._last_words = ""
        self._session: aiohttp.ClientSession | None = None
        self._requests = Requests()
        self._gate = asyncio.Semaphore(patience.concurrency)
        _servers.add(self)

    async def ask(
        self, url: str, body: Json | None = None, *, retries: int | None = None, seconds: float | None = None
    ) -> Reply:
        """POST a JSON object, or GET without one. Cancelling closes the connection, which stops the server's work.

        Raises:
            EngineError: when the server is gone or answers nonsense.
            ModelError: when it does not accept the API key.
        """
        return await self._requests.run(self._patiently(lambda: self._once(url, body, seconds), retries))

    async def pour(self, url: str, body: Json, make: Callable[[], S]) -> S | Reply:
        """POST and hand the events of a streamed answer to a new sink; a refusal comes back as a Reply."""
        return await self._requests.run(self._patiently(lambda: self._once_streamed(url, body, make()), None))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end from code that cannot await, and not on the background loop."""
        return background().wait(work)

    def close(self) -> None:
        """Close all connections; requests under way fail with EngineError."""
        if self in _servers:
            _servers.discard(self)
            with contextlib.suppress(TimeoutError):
                background().wait(self._finish(), _LAST)

    async def _finish(self) -> None:
        self._requests.close()
        if self._session is not None:
            await self._session.close()

    # -- on the background loop ---------------------------------------------------------------------------------------

    async def _patiently(self, once: Callable[[], Coroutine[Any, Any, T]], retries: int | None) -> T:
        async with self._gate:
            tries = 1 + (self.patience.retries if retries is None else min(retries, self.patience.retries))
            for attempt in range(tries):
                if time.monotonic() < self._gone_until:
                    raise EngineError(self._last_words)
                try:
                    result = await once()
                except _Passing as failure:
                    if attempt + 1 == tries or self._gone_until:  # one try is enough to see that it is still gone
                        raise self._given_up(failure, attempt + 1) from failure.__cause__
                    await asyncio.sleep(self._delay(attempt, failure))
                else:
                    self._strikes, self._gone_until = 0, 0.0
                    return result
        raise AssertionError("there is always one try")

    def _delay(self, attempt: int, failure: _Passing) -> float:
        grown = self.patience.backoff * 2.0**attempt * random.uniform(0.5, 1.0)
        return min(max(grown, failure.wait), _LONGEST_WAIT)

    def _given_up(self, failure: _Passing, tries: int) -> EngineError:
        times = "" if tries == 1 else f" {tries} times"
        words = (
            f"{self.address.base} failed{times}: {failure}; see that the server runs and that the address is right, "
            "then run the same again."
        )
        self._strikes += failure.weight
        if self._strikes >= _STRIKES:
            self._gone_until, self._last_words = time.monotonic() + _REST, words
        return EngineError(words)

    async def _once(self, url: str, body: Json | None, most: float | None) -> Reply:
        seconds = min(most or self.patience.timeout, self.patience.timeout)
        async with self._response("GET" if body is None else "POST", url, body, seconds) as response:
            content = await self._content(response)
        return self._judged(response.status, response.headers, content)

    async def _once_streamed(self, url: str, body: Json, sink: S) -> S | Reply:
        async with self._response("POST", url, body, self.patience.timeout) as response:
            if response.status != 200:
                return self._judged(response.status, response.headers, await self._content(response))
            events = Events()
            async for piece in self._pieces(response):
                if (result := self._heard(events.push(piece), sink)) is not None:
                    return result
                if events.done:
                    break
            if (result := self._heard(events.end(), sink)) is not None:
                return result
        if events.body:  # a server that does not stream
            return self._judged(200, response.headers, bytes(events.body))
        if not (events.done or sink.complete):
            raise _Passing("its answer broke off", 1)
        return sink

    def _heard(self, events: Iterator[tuple[bytes, bool]], sink: S) -> S | Reply | None:
        """Hand on events; the sink when it has enough, a Reply for a refusal among them."""
        try:
            for content, failed in events:
                event = self._parsed(content, mend=False)
                if failed:
                    event = {"error": event.get("error") or event}
                if failure := failure_in(event):
                    return self._refused(failure.status, self._clean(failure.message))
                if sink.take(event):
                    return sink
        except TooLong:
            raise EngineError(
                f"{self.address.base} sent an event of more than {EVENT >> 20} MB in a stream: see what it serves."
            ) from None
        return None

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        """The body of an answer, of a refusal its beginning."""
        content = bytearray()
        async for piece in self._pieces(response):
            content += piece
            if response.status != 200 and len(content) > _REFUSAL:
                break
        return bytes(content)

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body as it comes. Raises EngineError where it has no end."""
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > _BODY:
                raise EngineError(
                    f"{self.address.base} sent an answer of more than {_BODY >> 20} MB: see what it serves."
                )
            yield piece

    @contextlib.asynccontextmanager
    async def _response(
        self, method: str, url: str, body: Json | None, seconds: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response whose content is still to be read; the HTTP library's errors become ours."""
        # The whole answer has this long, not each piece of it: a server that drips one now and then has no end.
        waits = aiohttp.ClientTimeout(total=seconds, sock_connect=self.patience.connect_timeout)
        try:
            session = self._connected()
            with self.traffic.request():
                async with session.request(method, url, json=body, timeout=waits, allow_redirects=False) as response:
                    yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise _Passing(f"no connection ({self._reason(error)})", _STRIKES) from error
        except TimeoutError as error:
            raise _Passing(f"no answer within {seconds:g} s (allow more with timeout)", 1) from error
        except aiohttp.InvalidURL as error:
            raise BadInput(f"{self.address.base} cannot be asked: {self._reason(error)}.") from error
        except (aiohttp.ClientError, HttpProcessingError, OSError, EOFError, ValueError) as error:
            raise _Passing(f"the connection broke ({self._reason(error)})", _STRIKES) from error

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
                connector=aiohttp.TCPConnector(limit=self.patience.concurrency, keepalive_timeout=_KEEP),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=not self.address.local,  # a proxy knows nothing of this machine's own servers
            )
        return self._session

    def _reason(self, error: BaseException) -> str:
        fault = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        number, words = (fault.errno or 0, fault.strerror) if isinstance(fault, OSError) else (0, None)
        if number > 0 and not isinstance(fault, ssl.SSLError):  # the system's words are plainer than asyncio's
            return os.strerror(number)
        return self._clean(words or str(fault)) or type(error).__name__

    def _judged(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """The reply. An error in the body of a 200 is that error."""
        if 300 <= status < 400:
            target = self._clean(headers.get("location", "elsewhere"))
            raise BadInput(f"{self.address.base} sends us on to {target}: give that address instead.")
        if status != 200:
            return self._refused(status, self._clean(refusal(content)), _asked(headers))
        data = self._parsed(content)
        if failure := failure_in(data):
            return self._refused(failure.status, self._clean(failure.message), _asked(headers))
        return Reply(status, data)

    def _refused(self, status: int, message: str, wait: float = 0.0) -> Reply:
        """The reply of a refusal that stays one. Raises _Passing for what may pass, ModelError for a wrong key."""
        if status < 500:  # it lives, whatever it thinks of this request
            self._strikes, self._gone_until = 0, 0.0
        if status in (401, 403):
            raise ModelError(
                f"{self.address.base} does not accept the API key ({status}): put one that it takes into TTS_API_KEY."
            )
        if status in _AGAIN or (status >= 500 and status not in (501, 505)):
            raise _Passing(f"it answered {status}{f' ({message})' if message else ''}", status >= 500, wait)
        return Reply(status, {}, message)

    def _parsed(self, content: bytes, *, mend: bool = True) -> Json:
        if (data := read(content, mend=mend)) is None:
            raise EngineError(
                f"{self.address.base} answered with something else than a JSON object: is it an OpenAI-compatible "
                "server?"
            )
        return data

    def _clean(self, text: str) -> str:
        """Foreign words on one short line, without the API key, which some servers echo."""
        return short(text.replace(self._key, "***") if self._key else text)


def _asked(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks us to wait; a date, the other form, is left to the growing waits."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return 0.0


_servers: set[Server] = set()


@atexit.register
def close_servers() -> None:
    """Close every connection. Also done at exit."""
    for server in list(_servers):
        server.close()
