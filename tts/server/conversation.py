"""From messages to a problem."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tts.server.refusals import Refusal
from tts.server.schemas import Message
from tts.types import Problem, Turn


def problem_of(conversation: Sequence[tuple[str, Message]]) -> Problem:
    """Return the problem that a conversation asks: its last message, after all that was said before.

    Each message comes with its place in the request, such as ``messages[0]``.

    Messages of one role in a row are one turn. A single question is a plain problem, the same as that of `tts solve`.
    Reward models read the turns of user and assistant as one text.

    Raises:
        Refusal: for a conversation that does not end with the user, or whose system message comes late.
    """
    places, messages = [place for place, _ in conversation], [message for _, message in conversation]
    if not messages:
        raise _refused("input", "there is no message: give a question to be answered.")
    turns = _turns(messages)
    system, talk = turns[:1] if turns[0].role == "system" else [], [turn for turn in turns if turn.role != "system"]
    if turns[-1].role != "user":
        raise _refused(places[-1], "the last message must be the user's: an answer is not continued here.")
    if not turns[-1].text.strip():
        raise _refused(places[-1], "the last message is empty: give a question to be answered.")
    if [turn for turn in turns[len(system) :] if turn.role == "system"]:
        late = max(k for k, message in enumerate(messages) if _role(message) == "system")
        raise _refused(
            places[late], "system messages come first: put what they say there, or into a message of the user."
        )
    if talk[0].role != "user":
        spoken = next(k for k, message in enumerate(messages) if _role(message) != "system")
        raise _refused(places[spoken], "a conversation begins with the user, after the system message.")
    text = talk[0].text if len(talk) == 1 else "\n\n".join(f"{_SPEAKERS[turn.role]}: {turn.text}" for turn in talk)
    return Problem(text, turns=tuple(turns) if len(turns) > 1 else ())


_SPEAKERS = {"user": "User", "assistant": "Assistant"}


def _role(message: Message) -> str:
    return "system" if message.role == "developer" else message.role


def _turns(messages: Sequence[Message]) -> list[Turn]:
    return [
        Turn(role, "\n\n".join(message.text for message in said)) for role, said in groupby(messages, key=_role)
    ]  # fmt: skip


def _refused(place: str, sentence: str) -> Refusal:
    return Refusal(400, sentence, place, "invalid_value")
