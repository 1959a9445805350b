"""Tree of thoughts, graph of thoughts and best-first search follow their papers, on a model that follows a script."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_runs import run
from scripted_walks import Wants, purposes

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.reasoners import GraphOfThoughts, QStar, TreeOfThoughts
from lottery_plugins.reasoners.parts.thoughts import Thoughts
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.reasoner import check_reasoner


def steps_in(prompt):
    """The steps of reasoning at the end of a prompt."""
    return [
        line.split(": ", 1)[1]
        for line in prompt.rsplit("Question:", 1)[1].split("\n")
        if "Step " in line and ": " in line
    ]


def worth(text):
    """Of a line of thought: the digits of its last step."""
    return int(text[-1]) if text[-1:].isdigit() else 0


class Thinker:
    """Proposes "<letter><n>" for the n-th step, with the values given; rates a line of thought by its last step."""

    def __init__(self, *levels):
        self.levels = [list(level) for level in levels]
        self.drawn = {}

    def __call__(self, prompt):
        if prompt.endswith("Rating:"):
            return f" {worth(prompt.rsplit('Rating:', 1)[0].strip())}"
        if prompt.endswith("Therefore, the answer is"):
            return f" {'+'.join(steps_in(prompt))}"
        if prompt.endswith(":"):  # "Step 2:"
            level = int(prompt.rsplit("Step ", 1)[1][:-1]) - 1
            count = self.drawn[prompt] = self.drawn.get(prompt, 0) + 1
            return f" {self.levels[level][count - 1]}"
        raise AssertionError(prompt)


def test_the_best_line_of_thought_is_concluded():
    result, backend = run(TreeOfThoughts(steps=2), Thinker(("a1", "b7", "c3"), ("d2", "e9", "f4")))
    assert result.answer == "b7+e9"
    assert purposes(result) == ["propose"] * 3 + ["rate"] * 3 + ["propose"] * 6 + ["rate"] * 6 + ["conclude"]
    asked = [
        p
        for p, r in zip(backend.prompts, backend.requests, strict=True)
        if r.config.stop == ("\n",) and p.endswith("Step 2:")
    ]
    assert {tuple(steps_in(p)) for p in asked} == {("b7",), ("c3",)}, "the worst of three is not followed"


def test_breadth_one_is_a_greedy_search():
    result, _ = run(TreeOfThoughts(steps=2, breadth=1), Thinker(("a1", "b7", "c3"), ("d2", "e9", "f4")))
    assert purposes(result).count("propose") == 6
    assert result.answer == "b7+e9"


def test_drawn_steps_are_samples_of_one_prompt():
    _, backend = run(TreeOfThoughts(steps=1, temperature=0.9), Thinker(("a1", "b7", "c3")))
    drawn = backend.requests[:3]
    assert len({r.messages for r in drawn}) == 1
    assert len({r.sample for r in drawn}) == 3
    assert {r.config.temperature for r in drawn} == {0.9}
    assert backend.prompts[0].endswith("Answer:\nLet's think step by step.\nStep 1:")


def test_a_step_drawn_twice_is_rated_once_and_a_blank_one_never():
    result, _ = run(TreeOfThoughts(steps=1), Thinker(("a1", "a1", "")))
    assert purposes(result) == ["propose"] * 3 + ["rate", "conclude"]


def test_a_line_of_thought_that_says_its_answer_grows_no_further():
    result, backend = run(TreeOfThoughts(steps=3, breadth=1), Thinker(("a1", "so the answer is 9", "c3")))
    assert purposes(result) == ["propose"] * 3 + ["rate"] * 3 + ["conclude"]
    assert backend.prompts[-1].endswith("\nStep 1: so the answer is 9\nTherefore, the answer is")


def test_when_no_step_is_proposed_the_model_concludes_at_once():
    result, backend = run(TreeOfThoughts(), ["", "", "", " 5"])
    assert (result.answer, purposes(result)) == ("5", ["propose"] * 3 + ["conclude"])
    assert backend.prompts[-1].endswith("Let's think step by step.\nTherefore, the answer is")


def test_steps_may_be_listed_in_one_completion():
    model = [" add them\n2. count up\n3. guess\n4. too many", "9", "1", "1", " 5"]
    result, backend = run(TreeOfThoughts(steps=1, propose="list"), model)
    assert purposes(result) == ["propose", "rate", "rate", "rate", "conclude"]
    assert "Question: What is 2 + 3?\nSteps so far: none\nPossible next steps:\n1." in backend.prompts[0]
    assert backend.prompts[-1].endswith("Step 1: add them\nTherefore, the answer is")


def test_lines_of_thought_are_voted_on_together():
    model = [" a", " b", " c", "3", "the best is 2", "3", " 5"]
    result, backend = run(TreeOfThoughts(steps=1, evaluate="vote"), model)
    assert purposes(result) == ["propose"] * 3 + ["vote"] * 3 + ["conclude"]
    assert backend.prompts[3].endswith("1. Step 1: a\n2. Step 1: b\n3. Step 1: c\nBest choice:")
    assert backend.prompts[-1].endswith("Step 1: c\nTherefore, the answer is")


def test_the_next_line_of_thought_is_asked_when_the_verifier_rejects_the_first():
    result, _ = run(TreeOfThoughts(steps=1), Thinker(("a1", "b7", "c3")), verifier=Wants("c3", []))
    assert result.answer == "c3"
    assert purposes(result)[-4:] == ["conclude", "verify", "conclude", "verify"]


def test_when_all_are_rejected_the_best_scored_answer_is_given():
    result, _ = run(TreeOfThoughts(steps=1), Thinker(("a1", "b7", "c3")), verifier=Wants("z", []))
    assert result.answer == "b7"


def test_a_spent_budget_ends_the_search_and_what_was_found_is_read():
    result, _ = run(
        TreeOfThoughts(steps=2), Thinker(("a1", "b7", "c3"), ("d2", "e9", "f4")), limits=Limits(max_calls=8)
    )
    assert (result.answer, result.stop_reason) == ("Step 1: b7", StopReason.MAX_CALLS)


def test_solutions_are_generated_scored_merged_and_refined():
    model = [" one", " two", " three", "2", "9", "5", " merged", "9", " refined", "10", " 5."]
    result, backend = run(GraphOfThoughts(), model)
    assert result.answer == "5"
    assert purposes(result) == ["reason"] * 3 + ["rate"] * 3 + ["reason", "rate"] * 2 + ["conclude"]
    assert "Solution 1: two\n\nSolution 2: three\n\nQuestion: What is 2 + 3?" in backend.prompts[6]
    assert "Solution 1: merged\n\nQuestion: What is 2 + 3?" in backend.prompts[8]
    assert backend.prompts[-1].endswith("Let's think step by step. refined\nTherefore, the answer is")
    assert [r.config.do_sample for r in backend.requests[:7]] == [True] * 3 + [False] * 4


def test_a_merged_or_refined_solution_that_scores_less_is_dropped():
    model = [" one", " two", " three", "2", "9", "5", " merged", "8", " refined", "3", " 5."]
    _, backend = run(GraphOfThoughts(), model)
    assert "Solution 1: two\n\nQuestion:" in backend.prompts[8]
    assert backend.prompts[-1].endswith("step by step. two\nTherefore, the answer is")


def test_solutions_are_scored_by_the_verifier_where_there_is_one():
    result, _ = run(
        GraphOfThoughts(keep=1, refinements=0), [" one", " two", " three", " 5."], verifier=Wants("three", [])
    )
    assert purposes(result) == ["reason"] * 3 + ["verify"] * 3 + ["conclude"]
    assert result.steps[-1].prompt.endswith("step by step. three\nTherefore, the answer is")


def test_equal_solutions_are_scored_once_and_not_merged():
    result, _ = run(GraphOfThoughts(refinements=0), [" one", " one", " one", "5", " 5."])
    assert purposes(result) == ["reason"] * 3 + ["rate", "conclude"]


@pytest.mark.parametrize("calls", [1, 2, 5])
def test_a_budget_that_is_spent_before_any_score_leaves_the_first_solution(calls):
    model = [" so it is 7", " two", " three", "2", "9", "5"]
    result, _ = run(GraphOfThoughts(), model, limits=Limits(max_calls=calls))
    assert (result.answer, result.stop_reason) == ("so it is 7", StopReason.MAX_CALLS)


def test_a_spent_budget_leaves_the_best_solution():
    model = [" one", " so it is 7", " three", "2", "9", "5", " merged"]
    result, _ = run(GraphOfThoughts(), model, limits=Limits(max_calls=7))
    assert (result.answer, result.stop_reason) == ("so it is 7", StopReason.MAX_CALLS)


def test_the_most_promising_line_of_thought_grows_next():
    # b7 grows first; its children are worth less than c6 by the smallest value on the way, so c6 grows next.
    thinker = Thinker(("a1", "b7", "c6"), ("d2", "e3", "f4"))
    result, backend = run(QStar(steps=2, expansions=3), thinker)
    grown = [tuple(steps_in(p)) for p in dict.fromkeys(backend.prompts) if p.endswith(("Step 1:", "Step 2:"))]
    assert grown == [(), ("b7",), ("c6",)]
    assert result.answer == "b7+f4"


def test_weight_and_aggregate_decide_what_is_promising():
    levels = ("a9", "b2"), ("c1", "d1"), ("e1", "f1")
    base = {"candidates": 2, "steps": 3, "expansions": 3}
    _, last = run(QStar(aggregate="last", **base), Thinker(*levels))
    _, mean = run(QStar(aggregate="mean", weight=0.0, **base), Thinker(*levels))

    def third(backend):
        return [tuple(steps_in(p)) for p in dict.fromkeys(backend.prompts) if p.endswith(("Step 2:", "Step 3:"))][1]

    assert third(last) == ("b2",), "the value of the last step alone: 0.2 is more than 0.1"
    assert third(mean) == ("a9", "c1"), "the mean on the way: (0.9 + 0.1) / 2 is more than 0.2"


def test_a_model_that_rates_all_alike_still_gets_to_the_last_step():
    result, _ = run(QStar(steps=3, candidates=2, expansions=3), Thinker(("a5", "b5"), ("c5", "d5"), ("e5", "f5")))
    assert (result.answer, result.stop_reason) == ("a5+c5+e5", StopReason.ANSWERED)


def test_a_finished_line_of_thought_that_leads_the_frontier_ends_the_search():
    result, _ = run(QStar(), Thinker(("a1", "the answer is 9", "c3")))
    assert purposes(result) == ["propose"] * 3 + ["rate"] * 3 + ["conclude"]
    assert result.stop_reason is StopReason.ANSWERED


def test_when_the_expansions_are_used_up_the_stop_reason_tells():
    result, _ = run(QStar(expansions=1), Thinker(("a1", "b7", "c3")))
    assert (result.answer, result.stop_reason) == ("b7", StopReason.MAX_STEPS)


def test_best_first_search_is_led_by_the_verifier_where_there_is_one():
    result, _ = run(QStar(expansions=1), Thinker(("a1", "b7", "c3")), verifier=Wants("a1", []))
    assert (result.answer, purposes(result)) == ("a1", ["propose"] * 3 + ["verify"] * 3 + ["conclude"])


def test_a_spent_budget_leaves_the_most_promising_line_of_thought():
    result, _ = run(QStar(), Thinker(("a1", "b7", "c3"), ("d1", "e1", "f1")), limits=Limits(max_calls=8))
    assert (result.answer, result.stop_reason) == ("Step 1: b7", StopReason.MAX_CALLS)


def test_when_nothing_grows_the_search_ends():
    result, _ = run(QStar(), ["", "", "", " 5"])
    assert (result.answer, result.stop_reason) == ("5", StopReason.MAX_STEPS)


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: TreeOfThoughts(steps=0), "steps"),
        (lambda: TreeOfThoughts(breadth=0), "breadth"),
        (lambda: TreeOfThoughts(evaluate="dice"), "evaluate"),
        (lambda: TreeOfThoughts(propose="guess"), "propose"),
        (lambda: TreeOfThoughts(temperature=0.0), "temperature"),
        (lambda: GraphOfThoughts(keep=0), "keep"),
        (lambda: GraphOfThoughts(refinements=-1), "refinements"),
        (lambda: GraphOfThoughts(temperature=-1.0), "temperature"),
        (lambda: QStar(weight=-0.1), "weight"),
        (lambda: QStar(weight=float("nan")), "weight"),
        (lambda: QStar(aggregate="sum"), "aggregate"),
        (lambda: QStar(expansions=0), "expansions"),
    ],
)
def test_an_option_out_of_range_is_refused(make, option):
    with pytest.raises(ConfigError, match=rf"reasoner: [a-z-]+\.{option}: got"):
        make()


@pytest.mark.parametrize("reasoner", [TreeOfThoughts, GraphOfThoughts, QStar])
def test_they_are_plugins(reasoner):
    check_plugin(reasoner)


def test_lists_and_votes_keep_the_contract():
    check_reasoner(TreeOfThoughts, lambda: TreeOfThoughts(propose="list", evaluate="vote"))


@settings(deadline=None)
@given(
    calls=st.integers(1, 40),
    steps=st.integers(1, 4),
    candidates=st.integers(1, 4),
    replies=st.lists(
        st.sampled_from(("a1", "b7", " 9", "", "the answer is 4", "3/10", "\x00")), min_size=1, max_size=9
    ),
)
def test_searches_end_within_the_calls_that_they_say_they_need(calls, steps, candidates, replies):
    tree = TreeOfThoughts(steps=steps, candidates=candidates)
    result, _ = run(tree, replies * 40, limits=Limits(max_calls=calls))
    most = 2 * candidates + (steps - 1) * 2 * tree.breadth * candidates + 1
    assert len(result.steps) <= min(calls, most)
    assert (len(result.steps) < most) or result.stop_reason in (StopReason.ANSWERED, StopReason.MAX_CALLS)
    star, _ = run(QStar(steps=steps, candidates=candidates, expansions=3), replies * 40, limits=Limits(max_calls=calls))
    assert len(star.steps) <= min(calls, 3 * 2 * candidates + 1)


def test_a_line_of_thought_reads_as_steps():
    assert Thoughts(("add", "The answer is 5.")).text == "\nStep 1: add\nStep 2: The answer is 5."
    assert Thoughts(("The answer is 5.", "well")).is_finished is False
    assert Thoughts().text == ""
