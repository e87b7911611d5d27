"""The command line with the built-in models: output, errors, interruption."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command_line import MIA, Tts
from tests.interrupt import interrupted, interrupted_import, interrupted_load, interrupted_search
from tts import Trace


def test_a_problem_is_answered_with_its_plan_and_its_cost(tts: Tts) -> None:
    done = tts("solve", "--budget", "32", "--strategy", "beam-search", MIA)
    assert done.code == 0
    assert done.err == ""
    lines = dict(line.split(None, 1) for line in done.out.splitlines() if not line.startswith(" "))
    assert lines["Answer"] == "117"
    assert set(lines) == {"Answer", "Confidence", "Plan", "Policy", "Reward", "Time"}
    assert lines["Plan"].startswith("beam-search, N = 32, beam width 4")
    assert lines["Policy"].startswith("lab-2m: ")
    assert lines["Reward"].startswith("lab-prm: ")


def test_json_is_one_object_with_all_that_was_spent(tts: Tts) -> None:
    done = tts(
        "solve", "--strategy", "beam-search", "-n", "16", "--prm", "lab-prm", "--policy", "lab-1m", "--json", MIA
    )
    [line] = done.out.splitlines()
    row = json.loads(line)
    assert set(row) >= {"problem", "answer", "confidence", "plan", "usage", "candidates", "stopped"}
    assert set(row["usage"]) >= {"policy_tokens", "prm_tokens", "policy_flops", "prm_flops", "seconds"}
    assert row["problem"] == MIA
    assert row["plan"]["n"] == 16
    assert row["usage"]["flops"] == row["usage"]["policy_flops"] + row["usage"]["prm_flops"] > 0
    assert all(len(c["scores"]) == len(c["steps"]) for c in row["candidates"])


def test_the_winning_solution_is_shown_step_by_step(tts: Tts) -> None:
    done = tts("solve", "--show-steps", "--strategy", "dvts", MIA)
    head, *steps = done.out.split("\n\n")[0].splitlines()
    assert head == "Score  Step"
    assert len(steps) >= 2
    assert all(0 <= float(line.split()[0]) <= 1 for line in steps)
    assert "\\boxed{" in steps[-1]


def test_a_problem_can_come_through_a_pipe(tts: Tts) -> None:
    row = json.loads(tts("solve", "--json", stdin=f"\n{MIA}\n").out)
    assert row["problem"] == MIA


def test_the_trace_holds_the_whole_tree(tts: Tts, tmp_path: Path) -> None:
    tts("solve", "--strategy", "dvts", "--trace", str(tmp_path / "tree.jsonl"), MIA)
    trace = Trace.load(tmp_path / "tree.jsonl")
    assert next(trace.of("start"))["problem"]["text"] == MIA
    assert len(trace.nodes()) > 16


def test_a_file_is_answered_line_by_line_and_resumed(tts: Tts, tmp_path: Path) -> None:
    source, out = tmp_path / "problems.txt", tmp_path / "answers.jsonl"
    source.write_text(f"{MIA}\nTom has 12 eggs. He buys 8 more. How many eggs does he have?\n")
    arguments = ("solve", "-n", "4", "--file", str(source), "--out", str(out))
    assert tts(*arguments).code == 0
    before = out.read_text()
    assert len(before.splitlines()) == 2
    again = tts(*arguments)
    assert again.code == 0
    assert "2 of 2 are already in" in again.err
    assert out.read_text() == before


def test_a_total_that_covers_no_answer_is_named_and_what_has_none_is_counted(tts: Tts, tmp_path: Path) -> None:
    source, out = tmp_path / "problems.txt", tmp_path / "answers.jsonl"
    source.write_text(f"{MIA}\n")
    arguments = ("solve", "--file", str(source), "--total-flops", "1e6")
    done = tts(*arguments)
    assert "total_flops was reached" in done.out
    assert "raise --total-flops" in " ".join(done.out.split())
    assert json.loads(tts(*arguments, "--json").out)["stopped"] == "total_flops"
    for _ in range(2):  # solved, and read back
        assert "1 of 1 problems done, 1 without an answer, 0 failed" in tts(*arguments, "--out", str(out)).err


def test_good_lines_are_solved_and_the_bad_one_is_reported(tts: Tts, tmp_path: Path) -> None:
    source, out = tmp_path / "problems.txt", tmp_path / "answers.jsonl"
    source.write_bytes(MIA.encode() + b"\n\xff\xff\n" + ("Tom has 2 eggs. " * 300).encode() + b"\n")
    done = tts("solve", "-n", "4", "--file", str(source), "--out", str(out))
    assert done.code == 2
    assert "line 2: it is not UTF-8 text." in done.err
    rows = {row["problem"]: row for row in map(json.loads, out.read_text().splitlines())}
    assert len(rows) == 2
    assert rows[MIA]["answer"] is not None
    [long] = [row for row in rows.values() if "error" in row]
    assert "tokens long" in long["error"]


def test_a_problem_outside_the_laboratory_gets_a_plain_warning(tts: Tts) -> None:
    done = tts("solve", "-n", "2", "What is the integral of x^2 from 0 to 3?")
    assert done.code == 0
    assert "--policy llama-3.2-3b" in done.err
    assert tts("solve", "-n", "2", MIA).err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "the problem is empty"),
        (["  \n "], "the problem is empty"),
        (["--policy", "lama-3.2-3b", MIA], "did you mean 'llama-3.2-3b'?"),
        (["--prm", "lab-prn", MIA], "did you mean 'lab-prm'?"),
        (["--strategy", "beam-serch", MIA], "did you mean 'beam-search'?"),
        (["--vote", "wieghted", MIA], "did you mean 'weighted'?"),
        (["--engine", "transformer", MIA], "did you mean 'transformers'?"),
        (["--policy", "lab-prm", MIA], "lab-prm is a reward model"),
        (["--prm", "lab-1m", MIA], "lab-1m is a policy"),
        (["--prm", "none", "--strategy", "dvts", MIA], "needs a reward model"),
        (["--budget", "0", MIA], "1 or more, not 0"),
        (["--budget", "-3", MIA], "1 or more, not -3"),
        (["--budget", "many", MIA], "Invalid value for '--budget' / '-n': give a whole number"),
        (["--temperature", "warm", MIA], "Invalid value for '--temperature': give a number"),
        (["--max-tokens", "0", MIA], "max_tokens must be a number above zero"),
        (["--max-flops", "nan", MIA], "max_flops must be a number above zero"),
        (["--temperature", "-1", MIA], "temperature must be 0 or more"),
        (["--top-p", "2", MIA], "top_p must be above 0"),
        (["--strategy", "best-of-n", "--beam-width", "2", MIA], "no parameter of best-of-n named 'beam_width'"),
        (["--file", "nowhere.txt"], "the file nowhere.txt cannot be read"),
        (["--file", "nowhere.txt", MIA], "either a problem or --file"),
        (["--out", "x.jsonl", MIA], "--out goes with --file"),
        (["--trace", "/no/such/folder/tree.jsonl", MIA], "cannot be written"),
        (["--device", "cuda:77", MIA], "CUDA"),
        (["--nonsense"], "No such option"),
        (["Tom has 2 eggs. " * 300], "tokens long"),
    ],
)
def test_what_a_user_gets_wrong_is_one_sentence_and_exit_2(tts: Tts, arguments: list[str], message: str) -> None:
    done = tts("solve", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.sentence


@pytest.mark.parametrize("command", [["solv"], ["solve", "a", "b"]])
def test_unknown_commands_and_stray_words_are_one_sentence(tts: Tts, command: list[str]) -> None:
    assert tts(*command).code == 2


def test_a_width_that_does_not_divide_says_what_is_used(tts: Tts) -> None:
    done = tts("solve", "-n", "10", "--strategy", "beam-search", MIA)
    assert done.code == 0
    assert "2 x 4 = 8 samples are used" in done.sentence


def test_a_spent_budget_gives_the_best_so_far_and_the_reason(tts: Tts) -> None:
    row = json.loads(tts("solve", "--json", "--max-tokens", "150", "--strategy", "best-of-n", MIA).out)
    assert row["stopped"] == "max_tokens"
    assert row["usage"]["policy_tokens"] <= 150
    assert "max_tokens was reached" in tts("solve", "--max-tokens", "150", "--strategy", "best-of-n", MIA).out


def test_the_line_of_the_readme_asks_for_a_problem_and_names_what_to_download(tts: Tts) -> None:
    done = tts("solve", "--policy", "llama-3.2-3b", "--budget", "256", stdin="What is 1 + 1?")
    assert done.code == 2
    assert "hf download meta-llama/Llama-3.2-3B-Instruct" in done.sentence


@pytest.mark.parametrize(
    ("text", "why"), [("[1]", "is no JSON schema"), ("{}", "is no JSON schema"), ("{", "not JSON")]
)
def test_a_schema_that_is_none_is_refused(tts: Tts, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "form.json").write_text(text)
    done = tts("solve", "--schema", str(tmp_path / "form.json"), MIA)
    assert (done.code, done.out) == (2, "")
    assert why in done.sentence


def test_a_schema_asks_for_json_of_the_answer(tts: Tts, tmp_path: Path) -> None:
    (tmp_path / "form.json").write_text('{"type": "object", "required": ["marbles"]}')
    row = json.loads(tts("solve", "--schema", str(tmp_path / "form.json"), "--json", MIA).out)
    assert row["answer"] is None, "lab-2m writes no JSON"
    said = " ".join(tts("solve", "--schema", str(tmp_path / "form.json"), MIA).out.split())
    assert "JSON that fits the schema" in said


def test_lists_are_complete(tts: Tts) -> None:
    assert [row["name"] for row in json.loads(tts("strategies", "--json").out)] == [
        "auto",
        "best-of-n",
        "majority",
        "route-and-vote",
        "beam-search",
        "dvts",
        "rebase",
        "particle-filter",
        "reject-early",
        "mcts",
        "ab-mcts",
        "deepconf",
        "adaptive-consistency",
        "orchestrate",
    ]
    names = [card["name"] for card in json.loads(tts("models", "--json").out)]
    assert {"lab-200k", "lab-1m", "lab-4m", "lab-prm", "llama-3.2-3b"} <= set(names)
    assert all(name in tts("models").out for name in names)
    assert "beam_width=4" in tts("strategies").out


def test_the_doctor_names_the_built_in_models(tts: Tts) -> None:
    out = tts("doctor").out
    assert out.count("built in") == 11  # five of the stories, five specialists, the orchestrator
    assert "missing" not in out


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [("--max-tokens", "9", "The only text ends: Add 25"), ("--max-flops", "3e6", "")],
)
def test_a_budget_that_ends_before_a_solution_names_its_option_and_shows_the_text(
    tts: Tts, option: str, value: str, text: str
) -> None:
    out = " ".join(tts("solve", option, value, "--strategy", "majority", MIA).out.split())
    assert f"raise {option}" in out
    assert "Confidence none: no solution was finished" in out
    assert text in out


def test_ctrl_c_shows_the_best_answer_so_far_and_writes_the_trace(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    done = interrupted_search(
        "solve", "--policy", "lab-1m", "-n", "512", "--strategy", "best-of-n", MIA, "--trace", str(trace)
    )
    assert done.returncode == 130
    assert done.stderr.splitlines() == [
        "tts: interrupted: ending with what there is; press Ctrl-C again to leave at once."
    ]
    lines = dict(line.split(None, 1) for line in done.stdout.splitlines() if not line.startswith(" "))
    assert lines["Answer"] == "117"
    assert lines["Stopped"] == "interrupted: this is the best answer so far"
    [end] = Trace.load(trace).of("end")
    assert end["stopped"] == "interrupted"


def test_ctrl_c_while_models_are_loaded_waits_for_nothing_and_says_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for a process that hears nothing is over within the time limit of :func:`interrupted_load`."""
    run, place = tmp_path / "run", tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    done = interrupted_load("bench", "lab-500", "--limit", "2", "--strategy", "majority", "-n", "2", "--out", str(run))
    assert done.returncode == 130
    assert f"tts: interrupted: 0 of 2 rows are in {run}; this goes on: tts bench lab-500" in done.stderr
    done = interrupted_load("solve", MIA)
    assert done.returncode == 130
    assert done.stdout.startswith("Answer      none: interrupted before the first solution ended\n")
    assert done.stderr.splitlines()[-1] == "tts: the models were not ready yet."
    assert "loading" not in done.stdout + done.stderr
    done = interrupted_load("plan", MIA)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tts: interrupted.\n")
    assert not [file.name for file in place.iterdir() if file.name.startswith("tts-vllm")], "no log stays"


@pytest.mark.parametrize("module", ["typer", "tts.errors", "tts.commands.solve"])
def test_ctrl_c_while_the_program_is_imported_ends_it_without_a_traceback(module: str) -> None:
    done = interrupted_import(module)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_keeps_what_is_finished_and_the_next_call_goes_on(tts: Tts, tmp_path: Path) -> None:
    source, out = tmp_path / "problems.txt", tmp_path / "answers.jsonl"
    source.write_text("".join(f"Tom has {k} eggs. He buys 8 more. He sells half.\n" for k in range(10, 58, 2)))
    solve = ["solve", "-n", "8", "--concurrency", "2", "--file", str(source), "--out", str(out)]
    kept = interrupted(out, *solve)
    assert 2 <= kept < 24
    assert f"{kept} of 24 are already in" in tts(*solve).err
    assert len({json.loads(line)["id"] for line in out.read_text().splitlines()}) == 24


def test_a_file_shows_what_was_sampled_before_its_first_problem_ends(
    tts: Tts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tts.commands import progress

    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.002)
    source = tmp_path / "problems.txt"
    source.write_text("Tom has 10 eggs. He buys 8 more. He sells half. How many are left?\n")
    err = tts("solve", "--prm", "none", "--strategy", "majority", "-n", "64", "--file", str(source)).err
    lines = [line for line in err.splitlines() if "0 of 1 problems" in line]
    assert any(re.search(r"problems, [1-9]\d* samples, [1-9][\d,]* tokens so far, 0:\d\d$", line) for line in lines)


def test_a_problem_shows_what_was_sampled_before_it_ends(tts: Tts, monkeypatch: pytest.MonkeyPatch) -> None:
    from tts.commands import progress

    solve = ["solve", "--prm", "none", "--strategy", "majority", "-n", "64", MIA]
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.002)
    lines = tts(*solve).err.splitlines()
    assert any(re.fullmatch(r"tts: [1-9]\d* samples, [1-9][\d,]* tokens so far, 0:\d\d", line) for line in lines)

    monkeypatch.setattr(progress, "interactive", lambda: True)
    monkeypatch.setattr(progress, "SECONDS", 0.002)
    drawn = tts(*solve).err.split("\r")
    assert any(re.fullmatch(r"[1-9]\d* samples, [1-9][\d,]* tokens so far, 0:\d\d", line) for line in drawn)
    assert "\n" not in "".join(drawn), "one line, which is drawn again"
    assert not drawn[-1].strip(), "and is taken away at the end"
