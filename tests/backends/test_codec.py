"""The codec of an `hf` model: lm-eval's own ids and texts, and a table of bytes that agrees with its decoder."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.backends.codec import HarnessCodec, byte_alphabet
from lottery_plugins.engine.conversations import Conversations
from lottery_plugins.engine.stops import StopWatch
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message
from lottery_plugins.testing.engine_fakes import FakeEngine

TEXT = "Thought: Zürich 2 + 3 = 5 😀\n\nAction: search[née]\n  \tObservation: <|im_end|>ok"
TEXTS = st.text(alphabet="ab cd\né😀:<0x>", max_size=30)  # no mark of a space: SentencePiece would read it as one


@pytest.fixture(scope="module")
def hf(tiny_model):
    """lm-eval's model on the tiny random Llama."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=tiny_model, device="cpu", batch_size=1)


def made(model, *, decoder, pre_tokenizer=None, normalizer=None, special=("<s>", "</s>"), bos="<s>"):
    """A stand-in for an lm-eval model with a tokenizer made of these parts."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(model)
    tokenizer.decoder = decoder
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.add_special_tokens(list(special))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=bos, eos_token="</s>")
    return SimpleNamespace(
        tokenizer=fast,
        add_bos_token=None,
        generate_until=lambda requests: [],
        tok_decode=lambda ids, skip_special_tokens=True: fast.decode(ids, skip_special_tokens=skip_special_tokens),
    )


@pytest.fixture(scope="module")
def byte_level():
    """Byte-level BPE, as GPT-2's: with merges, a special token in the middle of ids, and an added plain one."""
    from tokenizers import decoders, models, pre_tokenizers

    vocab = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocab |= {"Ġa": 256, "ab": 257, "Ã©": 258, "ĊĊ": 259}
    merges = [("Ġ", "a"), ("a", "b"), ("Ã", "©"), ("Ċ", "Ċ")]
    parts = {"decoder": decoders.ByteLevel(), "pre_tokenizer": pre_tokenizers.ByteLevel(add_prefix_space=False)}
    lm = made(models.BPE(vocab=vocab, merges=merges), **parts)
    lm.tokenizer.add_tokens(["   "])
    return lm


@pytest.fixture(scope="module")
def sentence_piece():
    """BPE as SentencePiece makes it for Llama 2: a mark for the space, one before each text, bytes as a last resort."""
    from tokenizers import decoders, models, normalizers

    tokens = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcd:", "▁a", "ab", "é"]
    model = models.BPE(
        vocab={t: i for i, t in enumerate(tokens)},
        merges=[("▁", "a"), ("a", "b")],
        unk_token="<unk>",
        byte_fallback=True,
        fuse_unk=True,
    )
    strip = decoders.Strip(content=" ", left=1)
    decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), strip])
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return made(model, decoder=decoder, normalizer=normalizer, special=("<unk>", "<s>", "</s>"))


@pytest.mark.parametrize("add_bos_token", [None, True, False])
@pytest.mark.parametrize("text", [TEXT, "<eos>" + TEXT, "a"])
def test_a_prompt_gets_the_ids_that_lm_eval_feeds(hf, monkeypatch, add_bos_token, text):
    monkeypatch.setattr(hf, "add_bos_token", add_bos_token)
    fed, _ = hf.tok_batch_encode([text])
    assert HarnessCodec(hf, is_chat=False).encode(text) == fed[0].tolist()


def test_a_tokenizer_that_begins_with_a_special_token_begins_only_whole_prompts_with_it(byte_level):
    from tokenizers.processors import TemplateProcessing

    lm, tokenizer = byte_level, byte_level.tokenizer
    before = tokenizer.backend_tokenizer.post_processor
    bos = tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])
    codec = HarnessCodec(lm, is_chat=False)
    try:
        plain = codec.encode_more("ab")
        assert bos not in plain
        assert codec.encode("ab") == codec.encode("<s>ab") == [bos, *plain]
        assert codec.encode_more("") == []
    finally:
        tokenizer.backend_tokenizer.post_processor = before or TemplateProcessing(single="$A")


def test_texts_are_lm_eval_s(hf):
    codec = HarnessCodec(hf, is_chat=False)
    ids = [*codec.encode(TEXT), 0]
    assert codec.decode(ids) == hf.tok_decode(ids) == TEXT
    assert isinstance(codec, TokenCodec)


@pytest.mark.parametrize("is_chat", [True, False])
def test_turns_are_rendered_as_lm_eval_does(hf, is_chat):
    codec = HarnessCodec(hf, is_chat=is_chat)
    asked = (Message("user", "Q"),)
    begun = (*asked, Message("assistant", "A:"))
    assert codec.render(asked) == ("<|user|>Q\n<|assistant|>" if is_chat else "Q")
    assert codec.render(begun) == ("<|user|>Q\n<|assistant|>A:" if is_chat else "Q\nA:")


@pytest.mark.parametrize(("of_model", "ends"), [(0, {0}), ([0, 7], {0, 7}), (None, {0}), (9, {0, 9})])
def test_the_ends_are_those_of_the_generation_settings_and_of_the_tokenizer(hf, monkeypatch, of_model, ends):
    monkeypatch.setattr(hf.model.generation_config, "eos_token_id", of_model)
    assert HarnessCodec(hf, is_chat=False).end_ids == ends


def test_the_table_covers_all_that_the_model_can_give(hf, monkeypatch):
    monkeypatch.setattr(hf.model.config, "vocab_size", 400)
    codec = HarnessCodec(hf, is_chat=False)
    assert len(codec.token_bytes) == 400
    assert codec.token_bytes[399] == b""
    assert sorted(codec.token_bytes[2:258]) == [bytes([byte]) for byte in range(256)]
    assert codec.special_ids == {"<eos>": 0, "<pad>": 1}


def test_the_byte_alphabet_is_the_tokenizers_library_s():
    from tokenizers.pre_tokenizers import ByteLevel

    assert set(byte_alphabet()) == set(ByteLevel.alphabet())
    assert sorted(byte_alphabet().values()) == list(range(256))


@given(st.lists(st.integers(0, 262), max_size=12))
def test_the_bytes_of_byte_level_tokens_make_the_text(byte_level, ids):
    codec = HarnessCodec(byte_level, is_chat=False)
    assert b"".join(codec.token_bytes[i] for i in ids).decode("utf-8", "replace") == codec.decode(ids)


@given(TEXTS)
def test_the_bytes_of_sentence_piece_tokens_make_the_text_after_its_first_space(sentence_piece, text):
    codec = HarnessCodec(sentence_piece, is_chat=False)
    made_text = b"".join(codec.token_bytes[i] for i in codec.encode_more(text)).decode()
    assert made_text == text
    assert codec.decode(codec.encode(text)) == text


@pytest.mark.parametrize("kind", ["byte_level", "sentence_piece"])
@given(TEXTS, TEXTS)
def test_text_that_goes_on_is_not_begun_with_a_space(request, kind, first, more):
    codec = HarnessCodec(request.getfixturevalue(kind), is_chat=False)
    assert codec.decode([*codec.encode("a" + first), *codec.encode_more(more)]) == "a" + first + more


@pytest.mark.parametrize("kind", ["byte_level", "sentence_piece"])
@given(TEXTS, TEXTS.filter(bool))
def test_stop_strings_are_found_in_the_tokens_of_both_kinds(request, kind, text, stop):
    codec = HarnessCodec(request.getfixturevalue(kind), is_chat=False)
    watch, ids = StopWatch((stop,), codec), codec.encode(text + stop + "ab")
    hit = next((hit for hit in map(watch.push, ids) if hit), None)
    assert hit is not None
    assert hit.text == (text + stop).split(stop)[0]


@pytest.mark.parametrize("kind", ["byte_level", "sentence_piece"])
@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(1, 9))
def test_the_ids_of_a_transcript_that_grows_read_as_its_prompt(request, kind, observed, max_tokens):
    """Thought and observation take turns, as a reasoner's do; in bytes, half characters are written."""
    codec = HarnessCodec(request.getfixturevalue(kind), is_chat=False)
    engine = FakeEngine(codec, alphabet="ab c:ü\n" if kind == "byte_level" else "ab c:é\n")
    # SentencePiece's decoder drops a completion's first space; the ids keep it
    read = str if kind == "byte_level" else lambda text: text.replace(" ", "")
    talk, config = Conversations(engine, codec), GenerationConfig(max_tokens=max_tokens, stop=("\n",))

    async def converse():
        prompt = "abc: né\nThought:"
        for text in observed:
            done = await talk.generate(GenerationRequest((), config, prompt, 0, 1))
            assert done.prompt == prompt
            assert read(codec.decode(engine.prompts[-1])) == read(prompt)
            prompt += done.text.rstrip() + "\nObservation: " + text + "\nThought:"

    asyncio.run(converse())


def test_another_kind_of_tokenizer_is_read_token_by_token():
    from tokenizers import decoders, models, pre_tokenizers

    lm = made(
        models.WordLevel(vocab={"<unk>": 0, "one": 1, "two": 2}, unk_token="<unk>"),
        decoder=decoders.Fuse(),
        pre_tokenizer=pre_tokenizers.Whitespace(),
    )
    assert HarnessCodec(lm, is_chat=False).token_bytes[1:3] == [b"one", b"two"]
