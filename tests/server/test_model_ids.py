"""Settings of a search in the model id, for clients that let their users type nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.serving import ASK, Toy, get, post, toy


@pytest.fixture
def made() -> Toy:
    return toy()


@pytest.mark.parametrize(
    "model", ["dvts:beam_width=2:budget=8", "toy/dvts:budget=8:beam-width=2", "dvts:budget=8", "auto:budget=8"]
)
async def test_a_model_id_may_bring_parameters_and_the_budget(made: Toy, model: str) -> None:
    reply = await post(made.app, ASK | {"model": model, "tts": {"candidates": True}})
    assert (reply.status, reply.json["model"]) == (200, model)
    plan = reply.json["tts"]["plan"]
    assert plan["n"] == 8
    if "width" in model:
        assert (plan["strategy"], plan["parameters"]["beam_width"]) == ("dvts", 2)
        assert len(reply.json["tts"]["candidates"]) == 8
    other = (await post(made.app, ASK | {"model": "dvts"})).json["tts"]["plan"]
    assert (other["n"], other["parameters"]["beam_width"]) == (4, 4)


async def test_parameters_of_the_id_and_of_the_request_are_set_together(made: Toy) -> None:
    asked = {"model": "dvts:beam_width=2", "tts": {"parameters": {"max_steps": 5}, "budget": 6}}
    plan = (await post(made.app, ASK | asked)).json["tts"]["plan"]
    assert (plan["n"], plan["parameters"]["beam_width"], plan["parameters"]["max_steps"]) == (6, 2, 5)
    assert (await get(made.app, "/v1/models/dvts:beam_width=2")).json["id"] == "dvts:beam_width=2"
    assert (await post(made.app, ASK | {"model": "dvts:beam_width=2"}, "/v1/plan")).status == 200


@pytest.mark.parametrize(
    ("model", "tts", "said"),
    [
        ("dvts:beam_width=x", {}, "beam_width must be a whole number"),
        ("dvts:beam_wide=2", {}, "did you mean 'beam_width'"),
        ("dvts:beam_width", {}, "no value"),
        ("dvts:budget=0", {}, "no whole number above 0"),
        ("dvts:budget=9999999999", {}, "no whole number above 0"),
        ("dvts:budget=1000", {}, "more than this server's limit"),
        ("dvts:budget=4:budget=4", {}, "budget is given twice"),
        ("dvts:budget=4", {"budget": 4}, "budget is given twice"),
        ("dvts:beam_width=2", {"parameters": {"beam_width": 2}}, "beam_width is given twice"),
        ("auto:profile=/etc/passwd", {}, "no parameter of auto named 'profile'"),
    ],
)
async def test_settings_in_an_id_that_cannot_be_are_refused(
    made: Toy, model: str, tts: dict[str, Any], said: str
) -> None:
    reply = await post(made.app, ASK | {"model": model, "tts": tts})
    assert reply.status == 400
    assert said in reply.error["message"]


async def test_an_unknown_model_with_settings_is_still_unknown(made: Toy) -> None:
    reply = await post(made.app, ASK | {"model": "dvtz:beam_width=2"})
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")


def test_the_longest_known_name_is_the_model(made: Toy) -> None:
    catalogue = made.service.catalogue
    catalogue._names["here:8000/v1#toy"] = catalogue.find("toy")
    assert catalogue.divide("here:8000/v1#toy") == ("here:8000/v1#toy", "")
    assert catalogue.divide("here:8000/v1#toy:budget=4") == ("here:8000/v1#toy", "budget=4")
