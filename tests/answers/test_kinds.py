"""Kinds of answers: what is found, what is the same, what is guessed from a problem."""

from __future__ import annotations

import json

import pytest

from tests.toy import ToyPolicy
from tts import Solver, sandbox, solve
from tts.answers.finding import Found, auto
from tts.answers.kinds.chosen import Chosen
from tts.answers.kinds.code import Code
from tts.answers.kinds.kind import Kind
from tts.answers.kinds.named import guess, kind_of, type_of
from tts.answers.kinds.programs import program_in, task_of
from tts.answers.kinds.words import normal
from tts.errors import BadInput, MissingSandbox, UnknownName
from tts.types import Problem

CAPITAL = Problem("Which city is the capital of France?\n\nA) London\nB) Paris\nC) Rome\nD) New York City")
CLOSE = Problem(
    '''from typing import List


def biggest(numbers: List[int]) -> int:
    """Return the largest number.

    >>> biggest([3, 9, 2])
    9
    """
'''
)
LOOP = "    best = numbers[0]\n    for n in numbers:\n        if n > best:\n            best = n\n    return best\n"
BUILT_IN = "Use max.\n\n```python\ndef biggest(numbers: List[int]) -> int:\n    return max(numbers)\n```\nThat is all."
FIRST = "```python\ndef biggest(numbers):\n    return sorted(numbers)[1]\n```"
BROKEN = "```python\ndef biggest(numbers):\n    return undefined\n```"
TESTS = "def check(candidate):\n    assert candidate([1, 5]) == 5\n    assert candidate([-3, -7]) == -3\n"
TESTS += "\ncheck(biggest)\n"


def found(kind: str, problem: Problem, text: str) -> str | None:
    answer = kind_of(kind, problem, auto).find(text)
    return answer.answer if isinstance(answer, Found) else answer


@pytest.fixture
def isolated() -> None:
    try:
        sandbox.check()
    except MissingSandbox as error:
        pytest.skip(str(error))


class TestOneOf:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Yes", "yes"), ("No.", "no"), ("So the answer is **No**.", "no"), ("\\boxed{\\text{Yes}}", "yes"),
            ("Answer: no, because yes would contradict it.", "no"), ("No, that is wrong.\n\nThe answer is yes.", "yes"),
            ("She could say no or yes, and so it is yes.", "yes"), ("The sentence is plausible: yes", "yes"),
            ("Nobody knows.", None), ("It says no when it should say yes to all.", None), ("", None),
        ],
    )  # fmt: skip
    def test_a_word_of_the_list_is_found(self, text: str, expected: str | None) -> None:
        assert found("one-of:yes,no", Problem("Is it so?"), text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [("The argument is not valid.", "invalid"), ("It is invalid.", "invalid"), ("The answer is valid", "valid")],
    )
    def test_of_two_words_not_before_one_is_the_other(self, text: str, expected: str) -> None:
        assert found("one-of:valid,invalid", Problem("Is it valid?"), text) == expected

    def test_the_longest_word_counts_and_not_flips_nothing_among_three(self) -> None:
        kind = "one-of:positive,very positive,negative"
        assert found(kind, Problem("The sentiment?"), "The answer is Very Positive.") == "very positive"
        assert found(kind, Problem("The sentiment?"), "It is not negative") == "negative"

    def test_the_policy_is_asked_for_one_of_the_words(self) -> None:
        framed, name, note = Chosen.of("one-of:yes,no").framed(Problem("Is it so?"))
        assert framed.instruction.endswith("It is one of: yes, no.")
        assert (name, note) == ("one-of:yes,no", "")

    def test_a_gold_answer_is_compared_without_its_case(self) -> None:
        assert kind_of("one-of:yes,no", Problem("Is it so?"), auto).right("Yes", "yes")


class TestChoice:
    @pytest.mark.parametrize(
        "text",
        [
            "B", "(B)", "B) Paris", "b.", "Paris", "The answer is (B).", "The answer is B) Paris", "\\boxed{B}",
            "**Answer:** B", "So it must be \\boxed{\\text{Paris}}.", "London is wrong.\n\nThe correct option is (B).",
            "A is in England, so the answer is B", "Of these, the capital is Paris.", "answer: B",
            "I would choose option B, since it is in France.",
        ],
    )  # fmt: skip
    def test_the_letter_is_found_with_or_without_its_text(self, text: str) -> None:
        assert found("choice", CAPITAL, text) == "B"

    @pytest.mark.parametrize("text", ["I do not know.", "The answer is E.", "A city is a big town", ""])
    def test_prose_and_letters_without_an_option_are_no_answer(self, text: str) -> None:
        assert found("choice", CAPITAL, text) is None

    def test_ways_to_write_an_option_are_the_same_and_a_data_sets_number_counts_from_one(self) -> None:
        kind = kind_of("choice", CAPITAL, auto)
        assert kind.classes(["B", "(b)", "Paris", "B) Paris", "A", "the new york city", None]) == [0, 0, 0, 0, 1, 2, -1]
        assert [kind.right(gold, "B") for gold in ("B", "2", "Paris", "3")] == [True, True, True, False]

    def test_an_options_own_number_is_not_taken_for_its_place(self) -> None:
        kind = kind_of("choice", Problem("2 + 2?\nA. 3\nB. 2\nC. 4"), auto)
        assert kind.right("4", "C")
        assert not kind.right("2", "C")


class TestText:
    @pytest.mark.parametrize(
        ("a", "b", "same"),
        [
            ("The Eiffel Tower", "eiffel tower.", True),
            ("Zürich", "Zu\u0308rich", True),
            ("-1.5", "15", False),
            ("+", "-", False),
            ("yes", "no", False),
        ],
    )
    def test_case_articles_and_punctuation_do_not_count(self, a: str, b: str, same: bool) -> None:
        assert kind_of("text", CAPITAL, auto).same(a, b) is same

    def test_a_statement_is_taken_whole_where_mathematics_would_take_its_number(self) -> None:
        assert found("text", CAPITAL, "Because.\nThe answer is: Apollo 11.") == "Apollo 11"
        assert found("text", CAPITAL, "It is known.\nNeil Armstrong") == "Neil Armstrong"

    def test_normal_words_are_never_empty(self) -> None:
        assert (normal("The"), normal("..."), normal("\\text{East}")) == ("the", "...", "east")


class TestNumber:
    def test_what_is_no_number_is_searched_for_one(self) -> None:
        assert found("number", CAPITAL, "The answer is 12 apples.") == "12"
        assert found("number", CAPITAL, "We get 7.\nThe answer is: seven") == "7"
        assert found("number", CAPITAL, "no idea") is None


class TestToolCall:
    CALL = '{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}'

    @pytest.mark.parametrize(
        "text",
        [
            CALL,
            f"I look it up.\n<tool_call>\n{CALL}\n</tool_call>",
            f"```json\n{CALL}\n```",
            '{"tool": "weather", "parameters": {"days": 2.0, "city": "Oslo"}}',
            json.dumps({"function": {"name": "weather", "arguments": '{"city": "Oslo", "days": 2}'}}),
            'First {"x": 1}, then {"name": "weather", "args": {"city": "Oslo", "days": 2}} it is.',
        ],
    )
    def test_the_forms_that_models_write_are_one_call(self, text: str) -> None:
        kind = kind_of("tool", CAPITAL, auto)
        answer = kind.find(text)
        assert isinstance(answer, str)
        assert kind.same(answer, self.CALL)

    def test_fields_to_leave_out_do_not_count_at_any_depth(self) -> None:
        a = '{"name": "book", "arguments": {"seat": "4A", "meta": {"id": 1, "to": "x"}, "id": 7}}'
        b = '{"name": "book", "arguments": {"seat": "4A", "meta": {"id": 2, "to": "x"}}}'
        assert not kind_of("tool", CAPITAL, auto).same(a, b)
        assert kind_of("tool:id", CAPITAL, auto).same(a, b)
        assert not kind_of("tool:id,meta", CAPITAL, auto).same(a, b.replace("4A", "4B"))

    @pytest.mark.parametrize("text", ["none", '{"answer": 4}', "[1, 2]", '{"name": "x", "arguments": "{"}', "{" * 500])
    def test_other_text_is_no_call(self, text: str) -> None:
        assert found("tool", CAPITAL, text) is None


class TestPrograms:
    def test_the_last_block_counts_and_the_stubs_imports_come_before_it(self) -> None:
        assert found("code", CLOSE, BUILT_IN) == (
            "from typing import List\ndef biggest(numbers: List[int]) -> int:\n    return max(numbers)\n"
        )

    @pytest.mark.parametrize("after", ["", "\nThat is the function.\n", "\n\nprint(biggest([1]))\n"])
    def test_a_completion_continues_the_stub_up_to_the_first_line_that_is_not_indented(self, after: str) -> None:
        program = found("code", CLOSE, LOOP + after)
        assert program is not None
        assert program.startswith(CLOSE.text.rstrip())
        assert "return best" in program

    @pytest.mark.parametrize("text", ["I cannot do that.", "42", "yes", "The result is x = 3 and no more", ""])
    def test_prose_is_no_program(self, text: str) -> None:
        assert program_in(text) is None

    def test_a_problem_says_the_name_and_calls_with_results(self) -> None:
        task = task_of(CLOSE.text)
        assert (task.entry, task.calls) == ("biggest", (("biggest([3, 9, 2])", "9"),))
        mbpp = task_of("Write a function to add.\n\nassert add(1, 2) == 3\nassert add(0, 0) == 0, 'zero'")
        assert (mbpp.entry, mbpp.calls) == ("add", (("add(1, 2)", "3"), ("add(0, 0)", "0")))


class TestCode:
    def test_programs_that_behave_alike_are_the_same_and_those_that_only_fail_do_not_vote(self, isolated: None) -> None:
        kind = kind_of("code", CLOSE, auto)
        answers = [kind.find(text) for text in (LOOP, BUILT_IN, FIRST, BROKEN, "prose")]
        assert kind.classes([a if isinstance(a, str) else None for a in answers]) == [0, 0, 1, -1, -1]

    def test_a_program_is_right_if_it_passes_the_tests_and_one_that_ends_early_is_not(self, isolated: None) -> None:
        kind = kind_of("code", CLOSE, auto)
        right = "def biggest(numbers):\n    return max(numbers)\n"
        assert kind.right(TESTS, right)
        assert not kind.right(TESTS, right.replace("max", "min"))
        assert not kind.right(TESTS, f"import sys\nprint('@@1 1')\nsys.exit(0)\n{right}")
        assert not kind.right(TESTS, f"{right}\nimport os\nos._exit(0)\n")

    def test_programs_that_read_their_input_are_compared_by_what_they_write(self, isolated: None) -> None:
        problem = Problem("Write a Python program that adds.\n\nInput:\n3 4\n\nOutput:\n7")
        kind = kind_of("code", problem, auto)
        programs = [
            "print(sum(map(int, input().split())))",
            "a, b = map(int, input().split())\nprint(a + b)",
            "print(7)",
        ]
        assert kind.classes(programs) == [0, 0, 1]
        assert kind.right('[{"input": "1 1\\n", "output": "2"}]', programs[0])

    def test_without_a_sandbox_only_spelling_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none() -> None:
            raise MissingSandbox("none")

        monkeypatch.setattr("tts.answers.kinds.code.check", none)
        kind = Code(CLOSE, auto)
        assert kind.classes(["x = 1", "x  =  1  # one", "x = 2"]) == [0, 0, 1]


class TestGuess:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            (CAPITAL.text, "choice"),
            (CLOSE.text, "code"),
            ("Write a Python function that reverses a list.", "code"),
            ("What is 2 + 2?", "math"),
            ("Let f(A) = 3. (A) is a label. Find A.", "math"),
            ("Write the function f(x) = x^2 in vertex form.", "math"),
        ],
    )
    def test_options_make_a_choice_a_function_to_write_makes_code_all_else_is_mathematics(
        self, text: str, kind: str
    ) -> None:
        assert guess(Problem(text)) == kind


class TestNames:
    @pytest.mark.parametrize("name", ["maths", "auto", "coda"])
    def test_an_unknown_kind_is_named_with_the_known_ones(self, name: str) -> None:
        with pytest.raises(UnknownName, match="choice, code, instructions, math, number, one-of, text, tool"):
            type_of(name)

    @pytest.mark.parametrize("name", ["math:id", "tool:", "tool:a,,b"])
    def test_fields_belong_to_the_kind_tool(self, name: str) -> None:
        with pytest.raises(BadInput, match="tool"):
            type_of(name)

    @pytest.mark.parametrize("name", ["one-of", "one-of:yes", "one-of:yes,"])
    def test_one_of_needs_two_words(self, name: str) -> None:
        with pytest.raises(BadInput, match=f"{name!r} needs 2 words or more: write --kind one-of:WORD,WORD"):
            type_of(name)

    def test_a_kind_is_checked_before_anything_is_loaded(self) -> None:
        with pytest.raises(UnknownName, match="kind"):
            Solver("no/such-model", kind="maths")

        def one(answer: str) -> bool:
            return True

        with pytest.raises(BadInput, match=r"\(a, b\) -> bool"):
            Solver(ToyPolicy(), None, kind=one)  # type: ignore[arg-type]

    def test_a_function_or_a_class_is_a_kind_of_your_own(self) -> None:
        class Anything(Kind):
            name = "anything"

            def find(self, text: str) -> str | None:
                return "x"

            def same(self, a: str, b: str) -> bool:
                return True

        for kind in (lambda a, b: True, Anything):
            solution = solve("how far", policy=ToyPolicy(), prm=None, strategy="majority", budget=4, kind=kind)
            assert solution.confidence == 1.0
            assert len(solution.votes) == 1
