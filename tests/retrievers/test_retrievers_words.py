"""Texts of a corpus are split as queries are, however little is remembered of the spellings met."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.retrievers import words
from lottery_plugins.retrievers.ranking import best_positions
from lottery_plugins.retrievers.words import Numbering, Words
from lottery_plugins.testing.strategies import queries


@pytest.fixture(scope="module", params=["english", "none"])
def splitter(request):
    return Words(request.param)


@pytest.mark.parametrize("most_remembered", [1, 3, 10**6])
@given(texts=st.lists(queries(), max_size=4))
def test_numbers_stand_for_the_stems_in_their_order(splitter, most_remembered, texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "_MOST_REMEMBERED", most_remembered)
        numbering = Numbering(splitter)
        rows = [numbering.of(text) for text in texts]
        assert len(numbering._known) <= most_remembered
    stems = {number: stem for stem, number in numbering.numbers.items()}
    assert [[stems[number] for number in row] for row in rows] == [splitter.of(text) for text in texts]
    assert list(numbering.numbers.values()) == list(range(len(stems)))


@given(scores=st.lists(st.sampled_from([0.0, 1.0, 1.5, -2.0, 7.0]), max_size=30), top_k=st.integers(1, 40))
def test_the_best_are_those_of_a_stable_sort(scores, top_k):
    import numpy as np

    wanted = sorted(range(len(scores)), key=lambda i: -scores[i])[:top_k]
    assert best_positions(np.asarray(scores, dtype=np.float32), top_k).tolist() == wanted
