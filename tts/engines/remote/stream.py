"""A streamed answer: its bytes in pieces, cut into events, or the whole answer of a server that does not stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

EVENT = 1 << 20
"""Most bytes of one event."""

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")


class TooLong(Exception):
    """An event that no server sends who means well."""


@dataclass(slots=True)
class Events:
    """Cuts a stream of server-sent events. A body that does not begin as one is kept whole.

    Attributes:
        body: what came so far of an answer that is no stream.
        done: the server said that the stream is complete.
    """

    body: bytearray = field(default_factory=bytearray)
    done: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _streams: bool | None = None
    _failed: bool = False

    def push(self, piece: bytes) -> Iterator[tuple[bytes, bool]]:
        """Give the events that are complete with this piece, each with whether the server calls it an error.

        Raises TooLong for an event of more than :data:`EVENT` bytes.
        """
        self._rest += piece
        if self._streams is None:
            self._rest = self._rest.lstrip()
            if len(self._rest) < max(map(len, _FIELDS)) and not self._rest.startswith(b"{"):
                return
            self._streams = self._rest.startswith(_FIELDS)
        if not self._streams:
            self.body += self._rest
            self._rest.clear()
            return
        while not self.done and (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end]).strip()
            del self._rest[: end + 1]
            yield from self._line(line)
        if len(self._rest) > EVENT:
            raise TooLong

    def end(self) -> Iterator[tuple[bytes, bool]]:
        """Give what came last without an end of the line."""
        line = bytes(self._rest).strip()
        self._rest.clear()
        if self._streams is False or self._streams is None:
            self.body += line
        else:
            yield from self._line(line)

    def _line(self, line: bytes) -> Iterator[tuple[bytes, bool]]:
        if len(line) > EVENT:
            raise TooLong
        if line.startswith(b"event:"):
            self._failed = line.removeprefix(b"event:").strip() == b"error"
        elif line.startswith(b"data:") and (data := line.removeprefix(b"data:").strip()):
            if data == b"[DONE]":
                self.done = True
            else:
                yield data, self._failed
        elif not line:
            self._failed = False
