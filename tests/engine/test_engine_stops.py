"""Stop strings: what is cut is what a look at the whole text would cut, whatever the tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.stops import StopWatch, first_stop, num_ids_within
from lottery_plugins.testing.engine_fakes import ByteCodec

PIECES = ("ab", "b\n", "é", "\n\n", " a", "😀", b"\x9f\x98", b"a\xc3", b"\xa9\n")
CODEC = ByteCodec(PIECES)
IDS = st.lists(
    st.sampled_from([*CODEC.encode_more("ab \né😀"), *range(256, 256 + len(PIECES) + 2), 0xC3, 0xF0]), max_size=24
)
TEXTS = st.text(alphabet="ab \né😀", min_size=1, max_size=5)


def watched(ids, stop, codec=CODEC):
    """The end as an engine finds it, and how many tokens it drew."""
    watch = StopWatch(stop, codec)
    for drawn, token in enumerate(ids, 1):
        if hit := watch.push(token):
            return hit, drawn
    return watch.finish(ids), len(ids)


def cut(text, stop):
    """The text before the stop string that begins first."""
    return text[: min((text.find(s) for s in stop if s in text), default=len(text))]


@given(IDS, st.lists(TEXTS, max_size=4).map(tuple))
def test_a_completion_ends_with_the_first_token_that_completes_a_stop_string(ids, stop):
    hit, drawn = watched(ids, stop)
    texts = [CODEC.decode(ids[:k]) for k in range(len(ids) + 1)]
    ends = [k for k, text in enumerate(texts) if any(s in text for s in stop)]
    assert drawn == (ends[0] if ends else len(ids))
    assert hit.text == cut(texts[drawn], stop)
    assert bool(hit.stop) == bool(ends)


@given(IDS, TEXTS, st.data())
def test_one_stop_string_and_its_beginnings_cut_the_whole_text_at_its_first_place(ids, longest, data):
    shorter = longest[: data.draw(st.integers(1, len(longest)))]
    stop = data.draw(st.permutations([longest, shorter]))
    assert watched(ids, tuple(stop))[0].text == cut(CODEC.decode(ids), stop)


@given(IDS, st.lists(TEXTS, max_size=3).map(tuple))
def test_the_ids_kept_are_all_tokens_wholly_before_the_stop_string(ids, stop):
    hit, drawn = watched(ids, stop)
    fitting = [k for k in range(drawn + 1) if hit.text.startswith(CODEC.decode(ids[:k]))]
    assert hit.num_ids == fitting[-1]


@given(IDS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), st.randoms(use_true_random=False))
def test_a_wrong_table_of_token_bytes_never_leaves_a_stop_string_nor_cuts_without_one(ids, stop, random):
    wrong = ByteCodec(PIECES)
    wrong.token_bytes, table = random.sample(wrong.token_bytes, len(wrong.token_bytes)), wrong.token_bytes
    wrong.decode = lambda some: b"".join(table[i] for i in some).decode("utf-8", "replace")
    hit, drawn = watched(ids, stop, wrong)
    assert hit.text == cut(CODEC.decode(ids[:drawn]), stop)
    assert bool(hit.stop) == any(s in CODEC.decode(ids[:drawn]) for s in stop)


@pytest.mark.parametrize("stop", ["a", "\n\n", "ab\n", "é", "a😀b"])
@pytest.mark.parametrize("before", ["", "c", "😀", "\n"])
def test_a_stop_string_that_comes_byte_by_byte_ends_the_completion_with_its_last_byte(stop, before):
    ids = [*f"{before}{stop}ab".encode()]
    hit, drawn = watched(ids, ("zzzzzzzz", stop)) if before != stop[0] else watched(ids, (stop,))
    text = f"{before}{stop}ab"
    assert hit.text == text.split(stop)[0]
    assert drawn == len((text.split(stop)[0] + stop).encode())
    assert hit.num_ids == len(hit.text.encode())


@given(st.text(alphabet="a\né😀", max_size=12).map(str.encode), st.integers(0, 12))
def test_token_borders_are_found_where_a_growing_character_makes_the_text_shorter(data, end):
    """SentencePiece's decoder gives a U+FFFD for each byte of a character that is not complete."""

    class Bytewise(ByteCodec):
        def decode(self, ids):
            text = b"".join(self.token_bytes[i] for i in ids).decode("utf-8", "surrogateescape")
            return "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in text)

    codec, ids = Bytewise(), [*data]
    text = codec.decode(ids)[:end]
    fitting = [k for k in range(len(ids) + 1) if text.startswith(codec.decode(ids[:k]))]
    assert num_ids_within(text, ids, codec) == fitting[-1]


@pytest.mark.parametrize("stop", [("<end>",), ("\n", "<end>")])
def test_the_text_of_a_special_token_ends_a_completion_at_that_token(stop):
    ids = [*CODEC.encode_more("ab<end>b")]
    hit, drawn = watched(ids, stop)
    assert (hit.text, hit.num_ids, hit.stop, drawn) == ("ab", 1, "<end>", 2)


def test_a_stop_string_before_a_special_token_comes_first():
    watch = StopWatch(("a", "<end>"), CODEC)
    assert watch.finish(CODEC.encode_more("ba<end>")) == (1, "b", "a")


def test_without_stop_strings_all_tokens_are_kept():
    assert watched(CODEC.encode_more("ab\n\n"), ())[0] == (2, "ab\n\n", "")


def test_a_stop_string_that_is_no_text_is_never_found():
    assert watched(CODEC.encode_more("ab"), ("\ud800",))[0] == (1, "ab", "")


@given(st.text(alphabet="abc", max_size=12), st.lists(st.text(alphabet="abc", min_size=1, max_size=3), max_size=4))
def test_the_first_stop_string_is_the_one_that_begins_first(text, stop):
    found = first_stop(text, stop)
    assert (text[: text.index(found)] if found else text) == cut(text, stop)


@given(st.lists(st.sampled_from(CODEC.encode_more("ab \né😀")), max_size=200), st.integers(0, 200))
def test_token_borders_are_found_far_from_the_end_as_well(ids, end):
    text = CODEC.decode(ids)[:end]
    fitting = [k for k in range(len(ids) + 1) if text.startswith(CODEC.decode(ids[:k]))]
    assert num_ids_within(text, ids, CODEC) == fitting[-1]


def test_a_false_alarm_costs_few_decodings_and_a_token_none():
    class Counting(ByteCodec):
        calls = 0

        def decode(self, ids):
            self.calls += 1
            return super().decode(ids)

    codec = Counting(PIECES)
    hit, drawn = watched(codec.encode_more("a" * 500 + "\n"), ("\n",), codec)
    assert (hit.text, hit.num_ids, drawn) == ("a" * 500, 500, 501)
    assert codec.calls <= 8
