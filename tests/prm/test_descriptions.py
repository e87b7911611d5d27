"""Reward models that a user describes, and the error for each invalid description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from prm.two_token import TwoToken
from tests.nodes import chain
from tests.prm import checkpoints
from tests.prm.references import REFERENCES
from tests.prm.test_families import PROBLEM, TEXTS, bare
from tests.sentences import sentence
from tts import Solver
from tts.engines.load import load_policy, load_reward
from tts.errors import BadInput, ModelError, UnknownName
from tts.models.descriptions import describe, family_of
from tts.models.files import BUILT_IN
from tts.models.find import find
from tts.models.lookup import CARDS
from tts.registry import resolve
from tts.types import Finish


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_models: None) -> Iterator[None]:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    known = dict(CARDS)
    yield
    CARDS.clear()
    CARDS.update(known)


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model: a policy, or a reward model of whoever says so."""
    return Path(checkpoints.rlhflow(tmp_path_factory.mktemp("causal")))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(checkpoints.huggingface_h4(tmp_path_factory.mktemp("classifier")))


def written(file: Path, **found: Any) -> str:
    file.write_text(json.dumps(found))
    return str(file)


async def test_five_lines_of_a_file_make_a_reward_model(tmp_path: Path, causal: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(f'{{\n"model": "{causal}",\n"family": "two-token",\n"chat": true,\n"good": "+", "bad": "-"\n}}')
    reward = load_reward(str(file), engine="transformers", device="cpu")
    node = chain(TEXTS["line breaks within"], finish=Finish.STOP)
    scores = await reward.score(PROBLEM, node, 0)
    reference = REFERENCES["rlhflow"](causal)(PROBLEM.text, bare(TEXTS["line breaks within"]))
    assert list(scores) == pytest.approx(reference, abs=1e-4)


async def test_the_description_in_the_docs_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in page.split("```json\n")[1:]]
    [block] = [block for block in blocks if '"family"' in block]
    checkpoints.two_token(tmp_path)
    (tmp_path / "own-two-token").rename(tmp_path / "my-prm")
    file = tmp_path / "my-prm.json"
    file.write_text(block)
    reward = load_reward(str(file), engine="transformers", device="cpu")
    assert len(await reward.score(PROBLEM, chain(TEXTS["empty lines"]), 0)) == 3
    prompt = reward._reader.read(PROBLEM, chain([]))[0].tokens  # type: ignore[attr-defined]
    assert checkpoints.qwen_tokenizer().decode(prompt) == f"Question: {PROBLEM.text}\nAnswer:\n"


def test_the_docs_name_every_attribute_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "MODELS.md").read_text(encoding="utf-8")
    for family in ("two-token", "token-classification"):
        for field in fields(resolve("prm family", family)):
            assert f"`{field.name}`" in page, field.name
    rows = {
        line.split(" | ")[0].strip("| `"): line.split(" | ") for line in page.splitlines() if line.startswith("| `")
    }
    for column, family in ((1, "two-token"), (2, "token-classification")):
        plain = resolve("prm family", family)
        for name in ("opening", "apart", "flatten"):
            assert rows[name][column] == f"`{json.dumps(getattr(plain, name))}`"


async def test_five_lines_of_python_do_too(classifier: Path) -> None:
    describe("mine", str(classifier), "token-classification", mark="\n\n")
    reward = load_reward("mine", engine="transformers", device="cpu")
    scores = await reward.score(PROBLEM, chain(TEXTS["signs"]), 0)
    reference = REFERENCES["huggingface-h4"](classifier)(PROBLEM.text, bare(TEXTS["signs"]))
    assert list(scores) == pytest.approx(reference, abs=1e-4)
    assert reward.name == "mine"


def test_two_descriptions_of_the_same_weights_are_two_models(classifier: Path) -> None:
    describe("one", str(classifier), "token-classification", mark="\n\n")
    describe("two", str(classifier), "token-classification", mark="\n")
    assert load_reward("one", engine="transformers") is not load_reward("two", engine="transformers")


def test_a_model_is_found_beside_its_description_by_hub_id_and_at_an_address(tmp_path: Path, causal: Path) -> None:
    (tmp_path / "weights").symlink_to(causal)
    card = find(written(tmp_path / "a.json", model="weights", family="rlhflow"), "prm")
    assert (card.kind, card.family, card.context, Path(card.folder)) == ("prm", "rlhflow", 4096, causal.resolve())
    card = find(written(tmp_path / "b.json", model="some/one", family="math-shepherd", context=512), "prm")
    assert (card.hub, card.family, card.context) == ("some/one", "math-shepherd", 512)
    card = find(written(tmp_path / "c.json", model="http://host:8001#some", family="two-token", mark="\n\n"), "prm")
    assert (card.url, card.name, card.form) == ("http://host:8001", "some", (("mark", "\n\n"),))
    family = family_of(card)
    assert isinstance(family, TwoToken)
    assert family.mark == "\n\n"


def test_a_description_has_the_name_of_its_file_wherever_it_is_named_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = written(tmp_path / "mine.json", model="some/one", family="math-shepherd")
    monkeypatch.chdir(tmp_path)
    assert find(name, "prm").name == find("mine.json", "prm").name == find("./mine.json", "prm").name == "mine"


def test_a_description_with_the_name_of_a_built_in_model_gets_no_profile_of_that(tmp_path: Path) -> None:
    other = written(tmp_path / "lab-prm.json", model=str(BUILT_IN / "lab-prm"), family="qwen", context=300)
    assert Solver("lab-1m", "lab-prm").plan.parameters["profile"] == "lab-1m+lab-prm"
    assert Solver("lab-1m", other).plan.parameters["profile"] == ""


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"model": "some/one"}, 'write "model" and "family" into it'),
        ({"model": "wrong.json", "family": "rlhflow"}, "name a folder, a hub id or an address"),
        ({"model": "some/one", "family": "two-tokens"}, "did you mean 'two-token'"),
        ({"model": "some/one", "family": "two-token", "god": "+"}, "did you mean 'good'"),
        ({"model": "some/one", "family": "two-token", "good": 1}, "'good' is to be str, not 1"),
        ({"model": "some/one", "family": "token-classification", "label": "1"}, "'label' is to be int"),
        ({"model": "some/one", "family": "two-token", "context": "long"}, "'context' is to be a number"),
        ({"model": "some/one", "family": "two-token", "opening": "Q:"}, "lacks the problem"),
    ],
)
def test_a_wrong_description_is_one_sentence(found: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        find(written(tmp_path / "wrong.json", **found), "prm")
    assert message in sentence(error)


def test_a_file_that_is_missing_or_damaged_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.json cannot be read: No such file") as error:
        find(str(tmp_path / "none.json"), "prm")
    sentence(error)
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(BadInput, match=r"torn\.json is not JSON"):
        find(str(tmp_path / "torn.json"), "prm")


def test_a_causal_model_given_as_a_reward_model_says_how_it_could_be_one(causal: Path) -> None:
    with pytest.raises(ModelError, match=r"describe its form in a file .*--prm FILE\.json") as error:
        find(str(causal), "prm")
    sentence(error)


def test_a_classifier_whose_separator_nothing_tells_is_never_guessed_at(classifier: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing tells in which form .*--prm FILE\.json") as error:
        load_reward(str(classifier), engine="transformers", device="cpu")
    sentence(error)


def test_a_reward_model_given_as_a_policy_is_refused(classifier: Path, tmp_path: Path, causal: Path) -> None:
    for name in (str(classifier), written(tmp_path / "a.json", model=str(causal), family="rlhflow")):
        with pytest.raises(ModelError, match="not a policy"):
            load_policy(name)


def test_labels_that_do_not_fit_are_one_sentence(classifier: Path, tmp_path: Path) -> None:
    name = written(tmp_path / "a.json", model=str(classifier), family="token-classification", mark="\n", label=2)
    with pytest.raises(ModelError, match="2 labels where at least 3 were expected") as error:
        load_reward(name, engine="transformers", device="cpu")
    sentence(error)
    name = written(tmp_path / "b.json", model=str(classifier), family="outcome")
    with pytest.raises(ModelError, match=r"2 labels where 1 were expected|lacks the weights"):
        load_reward(name, engine="transformers", device="cpu")


def test_weights_of_another_family_are_one_sentence(causal: Path, tmp_path: Path) -> None:
    """Never a head of random numbers."""
    for family, lacking in [("token-classification", "score"), ("outcome", "score"), ("skywork", "")]:
        form = {"mark": "\n"} if family == "token-classification" else {}
        name = written(tmp_path / "a.json", model=str(causal), family=family, **form)
        with pytest.raises(ModelError, match=f"lacks the weights .*{lacking}") as error:
            load_reward(name, engine="transformers", device="cpu")
        sentence(error)
