import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError
from lottery_plugins.retrievers.prompt import Prompt
from lottery_plugins.testing.strategies import contexts


@st.composite
def prompts(draw):
    chunk_words = draw(st.integers(1, 30))
    return Prompt(chunk_words=chunk_words, overlap_words=draw(st.integers(0, chunk_words - 1)))


def places(chunks, words):
    """Where each chunk begins and ends in the words, found in reading order."""
    found, begin = [], 0
    for chunk in chunks:
        own = chunk.text.split()
        while words[begin : begin + len(own)] != own:
            begin += 1
            assert begin < len(words)
        found.append((begin, begin + len(own)))
    return found


@given(prompt=prompts(), context=contexts())
def test_chunks_are_slices_of_bounded_length_that_cover_the_context(prompt, context):
    chunks = prompt.chunks(context)
    assert all(chunk.text in context for chunk in chunks)
    assert all(1 <= len(chunk.text.split()) <= prompt.chunk_words for chunk in chunks)
    numbered = " ".join(f"{i}_{word}" if i % 3 else f"{i}." for i, word in enumerate(context.split()))
    words = numbered.split()
    spans = places(prompt.chunks(numbered), words)
    covered = {i for begin, end in spans for i in range(begin, end)}
    assert covered == set(range(len(words)))


@given(prompt=prompts(), num_words=st.integers(0, 200), sentence=st.integers(1, 12))
def test_chunks_advance_in_reading_order_and_overlap_no_more_than_allowed(prompt, num_words, sentence):
    words = [f"w{i}" + ("." if i % sentence == 0 else "") for i in range(num_words)]
    spans = places(prompt.chunks(" ".join(words)), words)
    for (begin, end), (next_begin, next_end) in itertools.pairwise(spans):
        assert begin < next_begin <= end < next_end
        assert end - next_begin <= prompt.overlap_words


def test_sentences_stay_whole_and_the_last_one_is_repeated():
    context = "One two three. Four five. Six seven eight. Nine ten."
    texts = [chunk.text for chunk in Prompt(chunk_words=6, overlap_words=2).chunks(context)]
    assert texts == ["One two three. Four five.", "Four five. Six seven eight.", "Nine ten."]


def test_line_breaks_end_sentences():
    texts = [chunk.text for chunk in Prompt(chunk_words=3, overlap_words=0).chunks("a b\nc d\n\ne f")]
    assert texts == ["a b", "c d", "e f"]


def test_ids_sort_in_reading_order():
    ids = [chunk.id for chunk in Prompt(chunk_words=1, overlap_words=0).chunks("x " * 10_500)]
    assert ids[7] == "chunk-00007"
    assert ids == sorted(ids)
    assert [chunk.id for chunk in Prompt().chunks("One.")] == ["chunk-0000"]


@pytest.mark.parametrize("context", ["", "  \n\t "])
def test_a_blank_context_has_no_chunks(context):
    assert Prompt().chunks(context) == ()


@pytest.mark.parametrize("depth", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_the_needle_is_found_at_any_depth(depth):
    hay = [f"The gardener planted row {i} of beans on a mild morning." for i in range(500)]
    hay.insert(int(depth * 500), "The secret code of the lighthouse is 48213.")
    prompt = Prompt()
    hits = prompt.build(prompt.chunks(" ".join(hay))).search("What is the secret code of the lighthouse?", prompt.top_k)
    assert "48213" in hits[0].document.text


@pytest.mark.timeout(60)  # time that grows with the square of the length would take hours
def test_a_million_words_take_a_moment():
    assert len(Prompt().chunks("word " * 10**6)) > 10**4
    assert len(Prompt().chunks(".'" * 10**5 + "x")) == 1


@pytest.mark.parametrize("options", [{"chunk_words": 0}, {"overlap_words": 100}, {"overlap_words": -1}, {"b": 2.0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match="prompt"):
        Prompt(**options)
