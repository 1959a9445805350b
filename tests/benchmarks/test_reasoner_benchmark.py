"""The scripted model of benchmarks/reasoners is as reliable as it says, in every form; the table tells what was run."""

import json

import pytest

from benchmarks.reasoners.command import COLUMNS, cells, main, table
from benchmarks.reasoners.forms import reply_to
from benchmarks.reasoners.oracle import OracleBackend, Skill, Thought
from benchmarks.reasoners.questions import Term, World, make_terms, make_world, parse
from benchmarks.reasoners.runs import SUITES, Setting, measure
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message
from lottery_plugins.reasoners import (
    REASONERS,
    AdaptiveRetrieval,
    BestOfN,
    ChainOfThought,
    Direct,
    ReAct,
    RetrieveThenRead,
    SelfAsk,
    SelfConsistency,
)

PERFECT = Skill(reliability=1.0, in_head=1.0, known=1.0)
QUESTION = "Question: Work out ((17 + 25) * 3) - 14. Answer with the number only.\nAnswer:"
TRIGGER = "Let's think step by step."


def replies(prompt, skill=PERFECT, world=None):
    return reply_to(Thought(prompt, 0, skill, world or World()))


def share(prompt_of, is_hit, skill, times=400):
    return sum(is_hit(replies(prompt_of(i), skill)) for i in range(times)) / times


def test_terms_are_read_as_they_are_written():
    world = make_world(5, 0)
    for term in (*make_terms(20, 0, world, with_name=False), *make_terms(20, 0, world, with_name=True)):
        assert parse(term.text) == term
    assert parse("((17 + 25) * 3) - 14").value({}) == 112
    assert parse("(K5 - -3) * 2").value({"K5": 4}) == 14
    assert parse("1 / 2") is parse("17 +") is parse("f(x)") is None


def test_questions_are_the_same_for_the_same_seed_and_others_for_another():
    world = make_world(9, 3)
    assert make_terms(5, 1, world, with_name=True) == make_terms(5, 1, make_world(9, 3), with_name=True)
    assert make_terms(5, 1, world, with_name=True) != make_terms(5, 2, world, with_name=True)
    assert all(
        len(list(t.operations())) == 3 and len(list(t.names())) == 1 for t in make_terms(9, 0, world, with_name=True)
    )


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (QUESTION, " 112"),
        (
            f"{QUESTION}\n{TRIGGER}",
            " 17 + 25 = 42. (17 + 25) * 3 = 126. ((17 + 25) * 3) - 14 = 112. The answer is 112.",
        ),
        (f"{QUESTION}\n{TRIGGER}\nStep 1: 17 + 25 = 40.\nStep 2:", " (17 + 25) * 3 = 120."),
        (f"{QUESTION}\n{TRIGGER} The answer is 9.\nTherefore, the answer is", " 9."),
        (f"{QUESTION}\nprint(", "((17 + 25) * 3) - 14)"),
        (f"17 + 25 = 41. Known:\nWork out 17 + 25. 40\nWork out 17 + 25. 40\n\n{QUESTION}", " 106"),
        (f"{QUESTION}\nReasoning: 17 + 25 = 41.\nRating:", " 1"),
        (f"{QUESTION}\nReasoning: 17 + 25 = 42.\nRating:", " 10"),
        (f"{QUESTION}\nChoices:\n1. 17 + 25 = 41.\n2. 17 + 25 = 42.\nBest choice:", " 2"),
        (f"{QUESTION}\n1.", " Work out 17 + 25. (needs none)\n2. Work out (17 + 25) * 3. (needs 1)"),
        ("Question: Work out 17 + 25.\nProposed answer: 42\nIs it right?", " yes"),
        ("Question: Work out 17 + 25.\nProposed answer: 43\nIs it right?", " no"),
        ("What is this?", " 0"),
    ],
)
def test_a_perfect_model_answers_each_form(prompt, reply):
    assert replies(prompt) == reply


@pytest.mark.parametrize("reasoner_class", REASONERS, ids=lambda c: c.name)
def test_on_a_perfect_model_every_method_is_exact(reasoner_class):
    results = measure(reasoner_class(), Setting(problems=5, skill=PERFECT, proxy_known=1.0))
    assert {suite: (r.exact, r.errors) for suite, r in results.items()} == {s: (1.0, ()) for s in SUITES}


@pytest.mark.parametrize("reasoner_class", [ReAct, SelfAsk, RetrieveThenRead, AdaptiveRetrieval], ids=lambda c: c.name)
def test_what_the_model_does_not_know_is_found_by_those_who_search_and_by_nobody_else(reasoner_class):
    setting = Setting(problems=10, skill=Skill(reliability=1.0, in_head=1.0, known=0.0), proxy_known=0.0)
    results = measure(reasoner_class(), setting)["lookup"]
    assert results.exact == 1.0
    assert results.counters.retrieval_rate == 1.0
    assert measure(ChainOfThought(), setting)["lookup"].exact <= 0.2


def test_an_operation_is_right_as_often_as_the_skill_says():
    skill = Skill(reliability=0.8, in_head=0.5)
    one = share(lambda i: f"({i}) Question: Work out 17 + 25.", lambda text: text == " 42", skill)
    three = share(lambda i: f"({i}) {QUESTION}", lambda text: text == " 112", skill)
    written = share(lambda i: f"({i}) {QUESTION}\n{TRIGGER}", lambda text: text.endswith(" 112."), skill)
    assert one == pytest.approx(0.8, abs=0.05)
    assert three == pytest.approx(0.8 * 0.5 * 0.5, abs=0.05)
    assert written == pytest.approx(0.8**3, abs=0.06)


def test_a_judgement_is_right_as_often_as_the_skill_says():
    skill = Skill(reliability=0.8)
    for proposed, reply in ((42, " yes"), (43, " no")):
        text = f"Question: Work out 17 + 25.\nProposed answer: {proposed}\nIs it right?"
        rate = share(lambda i, text=text: f"({i}) {text}", lambda said, reply=reply: said == reply, skill)
        assert rate == pytest.approx(0.8, abs=0.05)


def test_a_greedy_prompt_has_one_answer_and_samples_differ():
    backend = OracleBackend(Skill(reliability=0.5), World())

    def answers(**config):
        asked = (Message("user", f"{QUESTION}\n{TRIGGER}"),)
        requests = [GenerationRequest(asked, GenerationConfig(**config), sample=i) for i in range(20)]
        return {completion.text for completion in backend.generate(requests)}

    assert len(answers()) == 1
    assert len(answers(do_sample=True)) > 5


def test_thinking_voting_and_verifying_help_an_unreliable_model():
    setting = Setting(problems=60)
    direct, thinking, voting, verified = (
        measure(reasoner, setting)["arithmetic"].exact
        for reasoner in (Direct(), ChainOfThought(), SelfConsistency(), BestOfN())
    )
    assert direct + 0.1 < thinking < thinking + 0.1 < min(voting, verified)


def test_searching_for_rare_names_alone_costs_half_and_finds_as_much():
    setting = Setting(problems=60, skill=Skill(reliability=1.0, in_head=1.0))
    always = measure(AdaptiveRetrieval(gate="always"), setting)["lookup"]
    rare = measure(AdaptiveRetrieval(gate="popularity", threshold=0.5), setting)["lookup"]
    assert rare.exact == always.exact == 1.0
    assert always.counters.retrieval_rate == 1.0
    assert rare.counters.retrieval_rate == pytest.approx(0.5, abs=0.15)
    assert rare.counters.retrieved_tokens_per_problem < 0.7 * always.counters.retrieved_tokens_per_problem


def test_the_table_has_a_row_per_reasoner_and_a_cell_per_column():
    setting = Setting(problems=4, skill=PERFECT)
    found = {"direct": measure(Direct(), setting), "react": measure(ReAct(), setting)}
    drawn = table(found, setting)
    assert drawn.row_count == 2
    assert len(drawn.columns) == 2 + len(SUITES) + len(COLUMNS)
    assert cells(found["direct"]) == ["1.00", "1.00", "1.0", "16.0", "1.0", "0.0", "0.0", "0.0", "0%"]


def test_the_command_writes_all_that_it_measured(tmp_path, capsys):
    output = tmp_path / "deep" / "found.json"
    arguments = ["--problems", "2", "--reasoners", "direct", "react:max_steps=2", "nobody", "--output", str(output)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "react:max_steps=2" in shown
    assert "nobody: left out." in shown
    found = json.loads(output.read_text())
    assert found["settings"]["problems"] == 2
    assert found["reasoners"]["direct"]["arithmetic"]["lm_calls"] == 2
    assert found["reasoners"]["nobody"] is None


def test_a_failure_is_shown_beside_the_score():
    class Fails:
        name, summary, needs = "fails", "Fails.", ()

        async def solve(self, problem, services):
            raise ValueError("broken")

    results = measure(Fails(), Setting(problems=2))
    assert cells(results)[0] == "0.00 (failed)"
    assert "broken" in results["lookup"].errors[0]


def test_a_term_that_is_a_number_has_no_operation():
    assert list(Term(atom="5").operations()) == []
