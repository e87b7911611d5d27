"""Reads the body of a request within bounds, before anything is parsed."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from tts.server.house import HungUp
from tts.server.refusals import Refusal


async def read_body(request: Request, most: int, seconds: float) -> bytes:
    """Return the body of a JSON request.

    Raises:
        Refusal: it is no JSON (415), too large (413), or does not arrive in time (408).
        HungUp: the client went away.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # what a page of another site could send without asking is not taken
        raise Refusal(415, "send the request as JSON, with `Content-Type: application/json`.", code="not_json")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, most)
    except TimeoutError:
        sentence = f"the request did not arrive within {seconds:g} s."
        raise Refusal(408, sentence, code="too_slow", headers={"connection": "close"}) from None


async def _read(request: Request, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the request is larger than {most:,} bytes.", code="request_too_large")
