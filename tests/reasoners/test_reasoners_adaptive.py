"""Adaptive retrieval searches when its gate says so, and only then."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_runs import BRIDGE, run

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.ledger import Counters
from lottery_plugins.limits import StopReason
from lottery_plugins.reasoners import AdaptiveRetrieval, Direct, RetrieveThenRead
from lottery_plugins.reasoners.drafts import claims, fused, is_unsure, says_yes
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, one_by_one, scripted_facilities
from lottery_plugins.testing.strategies import corpora, model_text

QUESTION = "How long is the Lumen Bridge?"
TOWER = Document("t", "The Arbor Tower is 90 m high.")


def steps(result):
    return [(s.kind, s.purpose) for s in result.steps]


def solve(replies, problem=None, **options):
    return run(AdaptiveRetrieval(**options), replies, problem or fake_problem(QUESTION), documents=[BRIDGE, TOWER])


@pytest.mark.parametrize(("gate", "same"), [("never", Direct()), ("always", RetrieveThenRead())])
def test_gates_without_a_decision_give_the_transcripts_of_the_plain_methods(gate, same):
    result, _ = solve([" 211 m"], gate=gate)
    plain, _ = run(same, [" 211 m"], fake_problem(QUESTION), documents=[BRIDGE, TOWER])
    assert [s.prompt for s in result.steps] == [s.prompt for s in plain.steps]
    assert steps(result) == steps(plain)


@pytest.mark.parametrize(("popularity", "searches"), [(99.0, True), (0.0, True), (100.0, False), (1e9, False)])
def test_popularity_below_the_threshold_is_searched(popularity, searches):
    result, _ = solve([" 5"], fake_problem(QUESTION, popularity=popularity), gate="popularity", threshold=100.0)
    assert [s.kind for s in result.steps] == (["retrieve"] if searches else []) + ["generate"]


def test_a_task_without_popularity_is_told_what_to_write():
    facilities = scripted_facilities(ScriptedBackend(), documents=[BRIDGE])
    reasoner = AdaptiveRetrieval(gate="popularity", threshold=1.0)
    (result,) = asyncio.run(solve_all([fake_problem()], reasoner, facilities, max_live=1))
    assert result.stop_reason is StopReason.FAILED
    assert "metadata.lottery.popularity" in result.error


def test_a_certain_draft_saves_the_search_and_is_not_shown():
    result, backend = solve([" The Lumen Bridge is 211 m long.", " Yes.", " 211 m"])
    assert steps(result) == [("generate", "draft"), ("generate", "judge"), ("generate", "answer")]
    assert backend.requests[2].messages == fake_problem(QUESTION).messages
    assert "Answer: The Lumen Bridge is 211 m long." in backend.prompts[1]


@pytest.mark.parametrize("verdict", [" No.", "", " I am certain. Yes.", "yesterday"])
def test_a_draft_that_its_model_does_not_vouch_for_is_searched_for(verdict):
    result, _ = solve([" The Lumen Bridge is 300 m long.", verdict, " 211 m"])
    assert steps(result)[2:] == [("retrieve", "search"), ("retrieve", "search"), ("generate", "read")]
    assert [s.prompt for s in result.steps if s.kind == "retrieve"] == [QUESTION, "The Lumen Bridge is 300 m long."]


def test_an_unsure_draft_is_searched_for_without_a_judgement():
    result, _ = solve([" I do not know.", " 211 m"])
    assert steps(result) == [("generate", "draft"), ("retrieve", "search"), ("generate", "read")]


def test_words_alone_may_judge():
    assert "judge" not in [p for _, p in steps(solve(["It is 211 m long."], judge="words")[0])]


def test_the_proxy_model_drafts_and_judges_when_the_run_has_one():
    small = ScriptedBackend(["The Lumen Bridge is 300 m long.", "no"])
    result, backend = run(
        AdaptiveRetrieval(), [" 211 m"], fake_problem(QUESTION), documents=[BRIDGE], proxy=one_by_one(small)
    )
    assert (len(small.prompts), len(backend.prompts)) == (2, 1)
    assert [s.tool for s in result.steps if s.kind == "generate"] == ["proxy", "proxy", ""]
    assert Counters.of([result]).proxy_calls == 2


def test_what_several_queries_find_is_read_once_and_best_first():
    draft = " The Arbor Tower is 90 m high. The Arbor Tower is old and famous."
    result, backend = solve([draft, "no", " 211 m"], max_queries=2)
    assert len([s for s in result.steps if s.kind == "retrieve"]) == 2
    assert backend.prompts[2].count(TOWER.text) == backend.prompts[2].count(BRIDGE.text) == 1


def test_at_most_max_queries_searches():
    result, _ = solve(["One two three four five. Two three four five six."], max_queries=1)
    assert [s.kind for s in result.steps].count("retrieve") == 1


def test_rate_and_tokens_are_in_the_counters_of_the_run():
    popular, rare = (fake_problem(QUESTION, popularity=p) for p in (500.0, 5.0))
    results = [solve([" 5"], p, gate="popularity", threshold=100.0)[0] for p in (popular, rare)]
    counters = Counters.of(results)
    read = next(s.retrieved_tokens for s in results[1].steps if s.kind == "retrieve")
    assert (counters.retrieval_rate, counters.retrieved_tokens_per_problem) == (0.5, read / 2)


@pytest.mark.parametrize(
    "draft",
    ["", " ... ", "I don't know.", "I don\u2019t know", "It might be 5.", "Perhaps.", "It is unclear.", "I think 5."],
)
def test_blank_and_hedging_drafts_are_unsure(draft):
    assert is_unsure(draft)


@pytest.mark.parametrize("draft", ["It is 211 m long.", "Mighty Joe", "The known length is 5 m.", "Yes."])
def test_plain_statements_are_not_unsure(draft):
    assert not is_unsure(draft)


def test_claims_are_whole_statements_without_hedges_and_short_ones_stand_behind_the_question():
    draft = "The bridge is 211 m long. I think it is blue. Paris. Paris."
    assert claims(draft, "Q?") == ["The bridge is 211 m long.", "Q? Paris."]


@given(model_text(max_size=400))
def test_any_draft_gives_claims_that_say_something(draft):
    found = claims(draft, "Q?")
    assert all(any(c.isalnum() for c in claim) for claim in found)
    assert len(found) == len(set(found))
    assert isinstance(says_yes(draft), bool)


@given(st.lists(corpora(max_size=6), max_size=4))
def test_fused_rankings_hold_each_document_once_and_no_stranger(rankings):
    found = fused(rankings)
    ids = [d.id for d in found]
    assert len(ids) == len(set(ids)) == max(map(len, rankings), default=0)
    assert set(ids) <= {d.id for ranking in rankings for d in ranking}


@given(corpora(max_size=6))
def test_fusing_a_ranking_with_itself_changes_nothing(ranking):
    assert fused([ranking]) == fused([ranking, ranking]) == list(ranking)


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"gate": "sometimes"}, "gate"),
        ({"gate": "popularity"}, "threshold"),
        ({"threshold": 5.0}, "threshold"),
        ({"judge": "coin"}, "judge"),
        ({"max_queries": 0}, "max_queries"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"top_k": 0}, "top_k"),
        ({"max_document_words": 0}, "max_document_words"),
    ],
)
def test_an_option_of_adaptive_retrieval_out_of_range_is_refused_by_name(options, where):
    with pytest.raises(ConfigError, match=f"adaptive-retrieval.{where}"):
        AdaptiveRetrieval(**options)
