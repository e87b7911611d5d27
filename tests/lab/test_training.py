"""Training resumes exactly, growing changes no output, planted errors and figures are correct."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from benchmarks.lab import export, metrics, policy, prm_model, tokenizer, train_prm
from benchmarks.lab.corruption import corrupt
from benchmarks.lab.grow_model import grow
from benchmarks.lab.loop import Schedule, optimizers_for
from benchmarks.lab.policy import Encoder, Recipe
from benchmarks.lab.sampling import Sampler
from benchmarks.lab.solutions import Sampling, Solution, gather, read
from benchmarks.word_problems.generate import check_steps, stream

MICRO = policy.Recipe("micro", 32, 1, 1, 32, 6_000, 3e-3, 5, batch=512)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CHUNK", 24)
    torch.set_num_threads(1)


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("recipe", [MICRO, replace(MICRO, muon=True)], ids=["AdamW", "Muon"])
def test_a_training_stopped_twice_ends_with_the_weights_of_one_that_was_not(recipe: Recipe, tmp_path: Path) -> None:
    whole, progress = policy.train(recipe, tmp_path / "whole")
    for stop in (1_500, 3_900):
        policy.train(recipe, tmp_path / "parts", stop_at=stop)
    parts, resumed_progress = policy.train(recipe, tmp_path / "parts")
    assert same(weights(whole), weights(parts))
    assert (progress.tokens, progress.chunk, progress.batch, progress.steps) == (
        resumed_progress.tokens,
        resumed_progress.chunk,
        resumed_progress.batch,
        resumed_progress.steps,
    )
    assert progress.tokens >= MICRO.tokens


def test_muon_takes_the_matrices_of_the_layers_and_adamw_all_others() -> None:
    model = policy.make(MICRO)
    adam, muon = optimizers_for(model, 1e-3, muon=True)
    taken = [{id(p) for group in each.param_groups for p in group["params"]} for each in (adam, muon)]
    # A layer has four matrices of attention and three of the MLP; the embedding is also the head.
    assert taken[1] == {id(p) for name, p in model.named_parameters() if ".layers." in name and p.ndim == 2}
    assert len(taken[1]) == 7
    assert not taken[0] & taken[1]
    assert len(taken[0]) + len(taken[1]) == len(list(model.parameters()))


def test_a_policy_goes_on_from_a_finished_smaller_one_that_grows(tmp_path: Path) -> None:
    small, _ = policy.train(MICRO, tmp_path / "micro")
    larger = replace(MICRO, name="larger", width=64, heads=2, inner=48, after="micro")
    grown = policy.start(larger, tmp_path / "larger", {"micro": MICRO})
    ids = torch.randint(7, 900, (2, 40))
    words = small.config.vocab_size
    torch.testing.assert_close(small(ids).logits, grown(ids).logits[..., :words], atol=1e-3, rtol=1e-3)


def test_a_finished_training_is_not_trained_further(tmp_path: Path) -> None:
    model, _ = policy.train(MICRO, tmp_path / "micro")
    again, _ = policy.train(MICRO, tmp_path / "micro")
    assert same(weights(model), weights(again))


def test_a_checkpoint_whose_renaming_was_cut_off_is_found(tmp_path: Path) -> None:
    _, progress = policy.train(MICRO, tmp_path / "micro", stop_at=2_000)
    (tmp_path / "micro" / "checkpoint").rename(tmp_path / "micro" / "checkpoint.new")
    _, resumed_progress = policy.train(MICRO, tmp_path / "micro", stop_at=2_100)
    assert resumed_progress.steps == progress.steps + 1


def test_the_rate_warms_up_stays_and_decays_to_zero() -> None:
    schedule = Schedule(tokens=1_000_000, rate=2.0, warmup=100_000, decay=0.25)
    # By hand: half of the warmup (less the small start), the plateau, half of the decay (875000 of 1000000), the end.
    assert schedule.at(49_000) == pytest.approx(1.0)
    assert schedule.at(500_000) == 2.0
    assert schedule.at(875_000) == pytest.approx(1.0)
    assert schedule.at(1_000_000) == 0.0


def test_questions_are_not_learned_and_names_are_hidden_now_and_then() -> None:
    batch = next(policy.batches(MICRO, 0))[0]
    assistant = tokenizer.build().get_vocab()["<|assistant|>"]
    marks = (batch.ids - assistant).abs().argmin(1)
    for ids, targets, mark in zip(batch.ids, batch.targets, marks, strict=True):
        assert (targets[: int(mark)] == -100).all()
        learned = targets[int(mark) :]
        assert torch.equal(learned[learned != -100][:-1], ids[int(mark) + 1 :][: int((learned != -100).sum()) - 1])
    encoder, rng = policy.Encoder(), random.Random(0)
    problems = list(itertools.islice(stream(3), 400))
    assert 0.02 < sum(encoder.unk in ids for ids in encoder.question(problems, rng)) / 400 < 0.25


def test_a_grown_model_computes_what_the_small_one_does() -> None:
    small = policy.make(MICRO)
    large = policy.make(replace(MICRO, width=64, layers=2, heads=2, inner=96))
    for p in small.parameters():
        p.data.add_(0.05 * torch.randn_like(p))
    grow(small, large, seed=0)
    ids = torch.randint(7, 900, (2, 40))
    torch.testing.assert_close(small(ids).logits, large(ids).logits, atol=1e-3, rtol=1e-3)


def test_a_model_does_not_grow_into_a_smaller_one() -> None:
    small = policy.make(replace(MICRO, inner=16))
    with pytest.raises(ValueError, match="no smaller"):
        grow(policy.make(MICRO), small, seed=0)


def test_the_sampler_is_greedy_as_transformers_is_whatever_the_padding(tmp_path: Path) -> None:
    model, _ = policy.train(MICRO, tmp_path / "micro")
    model.eval()
    tok = tokenizer.build()
    prompts = [
        [1, 5, *tok.encode(text), 6] for text in ("Mia has 3 cups.", "How many?", "Tom has 12 red hats and 3 big ones.")
    ]
    for prompt, ids in zip(prompts, Sampler(model).sample(prompts, 0.0, 0, longest=40), strict=True):
        full = torch.tensor([prompt])
        for token in ids:
            assert int(model(full).logits[0, -1].argmax()) == token
            full = torch.cat((full, torch.tensor([[token]])), 1)


def test_samples_are_kept_chunk_by_chunk_and_not_sampled_again(tmp_path: Path) -> None:
    plan = Sampling("micro", 3, 2, 1.0, 9)
    model = policy.make(MICRO)
    gather(model, plan, tmp_path)
    first = list(read(tmp_path))
    (path,) = tmp_path.iterdir()
    stamp = path.stat().st_mtime_ns
    gather(model, plan, tmp_path)
    assert path.stat().st_mtime_ns == stamp
    assert len(first) == 6
    assert [s.problem for s in first[::2]] == [s.problem for s in first[1::2]]
    assert all(len(s.steps) == len(s.labels) for s in first)


def test_without_slips_a_planted_solution_is_the_reference_and_with_them_it_is_labelled() -> None:
    rng = random.Random(1)
    for p in itertools.islice(stream(21), 200):
        assert "\n\n".join(corrupt(p, rng, 0.0).steps) == p.solution
        slipped = corrupt(p, rng, 0.3)
        assert list(slipped.labels) == check_steps(p, "\n\n".join(slipped.steps))


def body() -> LlamaForCausalLM:
    return policy.make(replace(MICRO, width=64, heads=2, inner=64))


def test_the_policy_inside_the_reward_model_thinks_as_it_did_alone() -> None:
    alone = body()
    model = prm_model.make(alone, seed=0, width=128, layers=3)
    ids = torch.tensor([Encoder().solutions(["Add 25: 17+25=42.\n\nTriple it: 42*3=126."])[0]])
    with torch.no_grad():
        wanted = alone.model(ids, output_hidden_states=True).hidden_states[0]
        found = model.model(ids, output_hidden_states=True).hidden_states[0]
    torch.testing.assert_close(found[..., :64], wanted)
    assert found[..., 64 + prm_model.CODE :].abs().max() == 0


def test_the_built_in_head_looks_one_token_back_wherever_it_stands() -> None:
    model = prm_model.make(body(), seed=0, width=128, layers=3)
    biases, size = dict(model.model.layers[1].named_parameters()), 32
    angle = torch.outer(torch.arange(200.0), model.model.rotary_emb.inv_freq)
    query, key = (biases[f"self_attn.{name}_proj.bias"][:size].detach() for name in "qk")

    def turned(x: torch.Tensor) -> torch.Tensor:
        cos, sin = torch.cat((angle, angle), 1).cos(), torch.cat((angle, angle), 1).sin()
        return x * cos + torch.cat((-x[size // 2 :], x[: size // 2])) * sin

    scores = turned(query) @ turned(key).T / size**0.5
    causal = scores.masked_fill(torch.ones(200, 200).triu(1).bool(), -torch.inf)
    assert (causal.argmax(1)[1:] == torch.arange(199)).all()


def test_the_reward_model_is_written_under_qwens_names(tmp_path: Path) -> None:
    export.save_prm(prm_model.make(body(), seed=0, width=128, layers=3), tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert {"score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias", "model.norm.weight"} <= names
    assert "model.layers.0.self_attn.q_proj.bias" in names


def test_training_the_reward_model_leaves_the_policy_in_it_alone_and_resumes_exactly(tmp_path: Path) -> None:
    plan = Sampling("micro", 6, 2, 1.0, 9)
    small = body()
    gather(small, plan, tmp_path / "samples" / "micro")
    recipe = replace(train_prm.PRM, name="prm", samplings=(plan,), tokens=5_000, batch=512, layers=3, planted=12)
    before = weights(prm_model.make(small, recipe.seed, recipe.width, recipe.layers))
    whole, _ = train_prm.train(recipe, tmp_path / "whole", small)
    train_prm.train(recipe, tmp_path / "parts", small, stop_at=2_000)
    parts, _ = train_prm.train(recipe, tmp_path / "parts", small)
    assert same(weights(whole), weights(parts))
    kept = [name for name in before if name.startswith(("model.embed_tokens.", "model.layers.0."))]
    assert all(torch.equal(before[name], weights(whole)[name]) for name in kept)
    assert not torch.equal(before["score.0.weight"], weights(whole)["score.0.weight"])
    assert same(weights(whole), weights(train_prm.load(recipe, tmp_path / "whole" / "checkpoint", small)))


def test_the_first_wrong_step_is_right_up_to_the_token_that_differs() -> None:
    solution = Solution("?", ("Add 25: 17+25=42.", "Triple it: 42*3=136."), (True, False))
    reference = "Add 25: 17+25=42.\n\nTriple it: 42*3=126."
    ((ids, targets),) = train_prm.rows([solution], [reference], Encoder(), random.Random(0))
    tokens = tokenizer.build().convert_ids_to_tokens(ids)
    wrong = [i for i, t in enumerate(targets) if t == 0]
    # 136 and not 126: wrong from the 3 on, with the full stop and the step's mark.
    assert [tokens[i] for i in wrong] == ["3", "6", ".", "<extra_0>"]
    assert targets[: tokens.index("<|assistant|>") + 1] == [-100] * (tokens.index("<|assistant|>") + 1)


def test_a_written_policy_is_loaded_in_single_precision_and_says_the_same(tmp_path: Path) -> None:
    model = policy.make(MICRO)
    export.save_policy(model, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    ids = torch.randint(7, 900, (1, 20))
    assert loaded.dtype == torch.float32
    torch.testing.assert_close(loaded(ids).logits, model(ids).logits, atol=2e-2, rtol=1e-2)


def test_scores_come_one_a_step_and_do_not_depend_on_the_batch() -> None:
    model = prm_model.make(body(), seed=0, width=128, layers=3)
    solutions = [corrupt(p, random.Random(0)) for p in itertools.islice(stream(4), 6)]
    together = train_prm.scores(model, solutions)
    assert [len(s) for s in together] == [len(s.steps) for s in solutions]
    for one, solution in zip(together, solutions, strict=True):
        assert one == pytest.approx(train_prm.scores(model, [solution])[0], abs=1e-5)


def test_a_policy_that_writes_the_step_mark_itself_gets_no_score_for_it() -> None:
    model = prm_model.make(body(), seed=0, width=128, layers=3)
    solution = Solution("How many?", ("Add 2: 1+2=3.<extra_0>", "The answer is \\boxed{3}."), (False, False))
    assert len(train_prm.scores(model, [solution])[0]) == 2


def test_the_figures_by_hand() -> None:
    def boxed(answer: str) -> Solution:
        return Solution("?", (f"The answer is \\boxed{{{answer}}}.",), (True,))

    assert metrics.vote([boxed("1"), boxed("2"), boxed("2")], [1.0, 1.0, 1.0]) == "2"
    assert metrics.vote([boxed("1"), boxed("2"), boxed("2")], [0.9, 0.3, 0.3]) == "1"
    # Nothing to judge: no error, and an interval that says nothing.
    assert metrics.judging([boxed("1")], [[0.9]])["step AUC"] == 0.5
    assert metrics.share([]) == {"share": 0.0, "low": 0.0, "high": 1.0, "n": 0}
