"""The relatives of the paper's tables: properties of their scorers that hold for any answer, and their columns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError
from lottery_plugins.tasks.paper import (
    asqa,
    babilong,
    choices,
    matching,
    open_questions,
    reading,
    strategyqa,
    summaries,
    word_problems,
)
from tests.tasks import paper_folder

WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8).filter(
    lambda word: word not in ("an", "the", "yes", "no")
)
WORDS = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
READINGS = st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=4)


@given(WORDS, st.lists(WORDS, max_size=3), WORDS, WORDS)
def test_an_accepted_answer_scores_within_any_text_and_f1_is_one_only_for_itself(gold, others, before, after):
    answers = [*others, gold]
    assert matching.answer_scores(f"The {gold.upper()}!", answers) == {"acc": 1.0, "exact_match": 1.0, "f1": 1.0}
    scores = matching.answer_scores(f"{before} {gold} {after}", answers)
    assert scores["acc"] == 1
    assert scores["f1"] > 0


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_gets_scores_in_the_unit_interval(text, answers):
    scores = matching.answer_scores(text, answers)
    assert all(0 <= score <= 1 for score in scores.values())
    assert scores["exact_match"] <= scores["acc"]
    assert scores["exact_match"] <= scores["f1"]


@given(READINGS, st.data())
def test_asqa_counts_the_readings_that_are_answered(readings, data):
    pairs = [{"short_answers": answers} for answers in readings]
    document = asqa.make_row({"sample_id": 1, "ambiguous_question": "q", "qa_pairs": pairs})
    assert asqa.score(document, [document["answer"]]) == {"str_em": 1.0, "hit": 1.0}
    said = data.draw(st.lists(st.sampled_from(readings).map(lambda answers: answers[0]), max_size=3))
    scores = asqa.score(document, [". ".join(said)])
    answered = [any(matching.is_named(". ".join(said).replace(".", ""), a) for a in answers) for answers in readings]
    assert scores["str_em"] == sum(answered) / len(answered)
    assert scores["hit"] == all(answered)


@pytest.mark.parametrize("pairs", [[], [{"short_answers": []}], [{"short_answers": ["the"]}]])
def test_asqa_refuses_a_question_without_answers(pairs):
    with pytest.raises(ValueError, match="qa_pairs"):
        asqa.make_row({"sample_id": 1, "ambiguous_question": "q", "qa_pairs": pairs})


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Yes", 1),
        ("yes, it is", 1),
        ("**Yes.** There is no doubt.", 1),
        ("No", 0),
        ("yes or no", 0),
        ("", 0),
        ("Maybe", 0),
    ],
)
def test_strategyqa_reads_the_first_sentence_that_says_yes_or_no(text, score):
    document = strategyqa.make_row({"qid": "1", "question": "Is it?", "answer": True})
    assert strategyqa.score(document, [text]) == {"acc": score}
    opposite = strategyqa.make_row({"qid": "1", "question": "Is it?", "answer": False})
    assert score == 0 or strategyqa.score(opposite, [text]) == {"acc": 0.0}


def test_strategyqa_refuses_an_answer_that_is_no_truth_value():
    with pytest.raises(KeyError):
        strategyqa.make_row({"qid": "1", "question": "Is it?", "answer": "yes"})


STORY = {"answers": ["apple", "milk"], "labels": ["apple", "football", "milk", "nothing"], "question": "What is it?"}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        *(("apple, milk", 1), ("The milk and the apple.", 1), ("apple", 0), ("apple, milk, football", 0)),
        *(("nothing", 0), ("", 0), ("apples, milk", 0)),
    ],
)
def test_babilong_asks_for_all_parts_and_no_other_answer(text, score):
    assert babilong.score(STORY, [text]) == {"acc": score}


def test_babilong_allows_an_answer_that_the_question_names():
    asked = {**STORY, "answers": ["milk"], "question": "What was there beside the football?"}
    assert babilong.score(asked, ["Beside the football, the milk."]) == {"acc": 1.0}
    assert babilong.score(asked, ["Beside the apple, the milk."]) == {"acc": 0.0}


def test_babilong_mixes_the_tasks_and_lengths_that_its_knobs_name(tmp_path):
    for number in (2, 7):
        rows = [paper_folder.babilong(number, i) for i in range(30)]
        paper_folder.write_rows(tmp_path / "babilong_4k" / f"qa{number}.jsonl", rows)
    test = babilong.build(data_dir=str(tmp_path), babilong_length=4, babilong_tasks=[2, 7])["test"]
    assert {row["task"] for row in test} == {"qa2", "qa7"}
    assert len(test) == 40
    with pytest.raises(ConfigError, match="babilong_length"):
        babilong.build(data_dir=str(tmp_path), babilong_length=3)


@given(st.integers(1, 300), st.integers(50, 200))
def test_triviaqas_window_holds_the_answer_and_no_more_words_than_asked(place, num_words):
    words = ["word"] * 300
    words[place - 1 : place - 1] = ["Town", "5,"]
    row = paper_folder.triviaqa(5)
    row["entity_pages"]["wiki_context"] = ["Nothing.", " ".join(words)]
    document = reading.triviaqa_row(row, num_words)
    assert "Town 5" in document["context"]
    assert len(document["context"].split()) == num_words
    assert reading.triviaqa_row(row, num_words) == document


def test_triviaqa_leaves_out_what_its_evidence_does_not_answer():
    row = paper_folder.triviaqa(5)
    row["entity_pages"]["wiki_context"] = ["Town 55 and Town5"]
    assert reading.triviaqa_row(row, 100) is None


def test_hotpotqa_takes_yes_and_no_as_they_are():
    document = reading.hotpotqa_row({**paper_folder.hotpotqa(1), "answer": "yes"})
    assert reading.score(document, ["Yes."]) == {"acc": 1.0, "exact_match": 1.0, "f1": 1.0}
    assert reading.score(document, ["yes, both are old"]) == {"acc": 1.0, "exact_match": 0.0, "f1": 0.0}
    assert reading.score(document, ["no. yes."])["acc"] == 0


def test_contexts_hold_every_paragraph_with_its_title():
    assert reading.hotpotqa_row(paper_folder.hotpotqa(1))["context"] == (
        "First\nFilm 1 is old. It is long.\n\nSecond\nAnn1 made it."
    )
    document = reading.musique_row(paper_folder.musique(4))
    assert (document["context"], document["hops"]) == ("River\nRiver 4 is in Land4.", 3)
    assert reading.musique_row({**paper_folder.musique(4), "answerable": False}) is None


def test_number_sets_read_their_own_columns():
    asdiv = {"body": "Two  cows.", "question": "How many?", "answer": "1,002 (cows)"}
    assert word_problems.asdiv_row(asdiv) == {"question": "Two cows. How many?", "answer": "1002"}
    for several in ("3 (red); 4 (blue)", "1:2", "9 or 10", "Ann"):
        assert word_problems.asdiv_row({**asdiv, "answer": several}) is None
    assert word_problems.addsub_row({"input": "q", "output_answer": "4.0"})["answer"] == "4"
    assert word_problems.addsub_row({"input": "q", "target": 4.5})["answer"] == "4.5"
    assert word_problems.multiarith_row({"question": " q ", "final_ans": " 7"}) == {"question": "q", "answer": "7"}
    assert word_problems.gsm_hard_row({"input": "q", "target": 1e22})["answer"] == "1" + "0" * 22
    assert word_problems.gsm_hard_row({"input": "q", "target": -2.5})["answer"] == "-2.5"


def test_letter_sets_read_the_hubs_columns_and_logic_lms():
    folio = choices.folio_row({"premises": ["A.", " ", "B."], "conclusion": "C.", "label": "Uncertain"})
    assert (folio["context"], folio["answer"], folio["options"][2]) == ("A. B.", "C", "C) Uncertain")
    lsat = choices.ar_lsat_row(paper_folder.ar_lsat(1))
    assert (lsat["context"], lsat["options"], lsat["answer"]) == (
        "Five books stand in row 1.",
        ["A) red 1", "B) blue 1"],
        "B",
    )
    assert lsat["question"].startswith("Which one is first?\nOptions:\nA) red 1")
    posed = paper_folder.logic(1)
    assert choices.folio_row(posed) == choices.ar_lsat_row(posed) == choices.logic_row(posed)
    mmlu = choices.mmlu_row(paper_folder.mmlu(1))
    assert (mmlu["options"], mmlu["answer"], mmlu["subject"]) == (
        ["A) a bird", "B) a fish", "C) tea", "D) 4"],
        "B",
        "odd",
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda: choices.ar_lsat_row({"query": "no question", "choices": ["(A)x"], "gold": [0]}),
        lambda: choices.mmlu_row({"question": "q", "subject": "s", "choices": ["x"], "answer": 3}),
        lambda: choices.folio_row({"premises": "A.", "conclusion": "C.", "label": "perhaps"}),
        lambda: open_questions.nq_row({"question": "q", "answer": "no list"}),
        lambda: open_questions.freebaseqa_row({"Question-ID": "1", "RawQuestion": "q", "Parses": []}),
        lambda: reading.hotpotqa_row({**paper_folder.hotpotqa(1), "context": {"title": ["one"], "sentences": []}}),
        lambda: reading.musique_row({**paper_folder.musique(1), "id": "x"}),
        lambda: summaries.make_row({"id": "1", "article": "a", "highlights": " "}),
    ],
)
def test_a_row_of_another_shape_is_refused(broken):
    with pytest.raises((ValueError, LookupError)):
        broken()


def test_nqs_questions_get_a_capital_and_a_mark_and_a_row_without_answer_is_left_out():
    assert open_questions.nq_row({"question": "who was it", "answer": ["Ann"]})["question"] == "Who was it?"
    assert open_questions.nq_row({"question": "how many", "answer": ["---"]}) is None


@settings(max_examples=40)
@given(WORDS, WORDS)
def test_rouge_is_one_for_the_highlights_and_nothing_without_a_shared_word(gold, other):
    document = summaries.make_row({"id": "1", "article": "a", "highlights": f"{gold}\nend"})
    assert set(summaries.score(document, [f"{gold.upper()} end."]).values()) == {1.0}
    assert all(0 <= score <= 1 for score in summaries.score(document, [other]).values())
    assert not any(summaries.score(document, ["12345"]).values())
