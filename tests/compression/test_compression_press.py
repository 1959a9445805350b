"""The seam between a press and a transformers model."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DynamicCache, StaticCache

from lottery_plugins.compression import KeyNorm, StreamingLLM
from lottery_plugins.compression.kv.cache_support import cache_bytes, check_model
from lottery_plugins.compression.kv.eviction import kept_positions
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.compression.sizes import kv_bytes_per_token
from lottery_plugins.errors import BackendError, ConfigError, DataError
from lottery_plugins.protocols.compression import removed_count
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.testing.contracts.compression import greedy, model_digest, padded, prompts, tiny_model

ROWS = [[3, 9, 27, 81, 11, 33, 99], [5, 25], [7, 49, 100, 60, 20]]


class Broken:
    name, summary, stage, order, compression_ratio = "broken", "scores badly", "kv-cache", 30, 0.5

    def __init__(self, score):
        self.score = score


@given(st.integers(0, 500), st.integers(0, 100))
def test_removed_count_is_exact_for_ratios_written_in_hundredths(total, percent):
    assert removed_count(total, percent / 100) == total * percent // 100


@settings(max_examples=50)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(0, 99), st.integers(0, 10**6))
def test_kept_positions_are_each_rows_best_right_aligned(lengths, percent, seed):
    ratio, width = percent / 100, max(lengths)
    score = torch.randn(len(lengths), 2, width, generator=torch.Generator().manual_seed(seed))
    valid = torch.arange(width) >= width - torch.tensor(lengths)[:, None]
    keep = torch.tensor([n - removed_count(n, ratio) for n in lengths])
    positions, kept_valid = kept_positions(score, valid, keep)
    for row, length in enumerate(lengths):
        kept = length - removed_count(length, ratio)
        assert kept_valid[row].tolist() == [False] * (positions.shape[-1] - kept) + [True] * kept
        for head in range(2):
            best = sorted(range(width - length, width), key=lambda p: -score[row, head, p])[:kept]
            assert positions[row, head, kept_valid[row]].tolist() == sorted(best)


def test_of_equal_scores_the_earlier_position_stays():
    positions, _ = kept_positions(torch.zeros(1, 1, 6), torch.ones(1, 6, dtype=torch.bool), torch.tensor([3]))
    assert positions.tolist() == [[[0, 1, 2]]]


@pytest.mark.parametrize(
    ("length", "ratio", "expected"),
    [(10, 0.5, [0, 1, 7, 8, 9]), (20, 0.5, [0, 1, 2, 3, 14, 15, 16, 17, 18, 19]), (3, 0.7, [2]), (4, 0.5, [0, 3])],
)
def test_streaming_llm_keeps_sinks_and_the_newest(length, ratio, expected):
    keys = torch.zeros(1, 1, length + 2, 4)
    valid = torch.arange(length + 2)[None] >= 2
    score = StreamingLLM(compression_ratio=ratio).score(LayerView(0, keys, keys, valid))
    positions, _ = kept_positions(score, valid, torch.tensor([length - removed_count(length, ratio)]))
    assert (positions[0, 0] - 2).tolist() == expected


def test_key_norm_keeps_the_shortest_keys_and_ignores_rounding():
    norms = torch.tensor([4.0, 1.0, 3.0, 2.0 * (1 + 1e-7), 2.0])
    keys = torch.nn.functional.one_hot(torch.zeros(5, dtype=torch.long), 4).float() * norms[:, None]
    valid = torch.ones(1, 5, dtype=torch.bool)
    score = KeyNorm().score(LayerView(0, keys[None, None], keys[None, None], valid))
    assert kept_positions(score, valid, torch.tensor([2]))[0].tolist() == [[[1, 3]]]


def reference_tokens(model, press, row, num_tokens):
    """Greedy tokens with the cache pressed by hand, position by position, one row."""
    cache, tokens = DynamicCache(config=model.config), []
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row]), past_key_values=cache).logits
        valid = torch.ones(1, len(row), dtype=torch.bool)
        for index, layer in enumerate(cache.layers):
            score = press.score(LayerView(index, layer.keys, layer.values, valid))
            kept = len(row) - removed_count(len(row), press.compression_ratio)
            best = [sorted(head.sort(descending=True, stable=True).indices[:kept].tolist()) for head in score[0]]
            layer.keys = torch.stack([layer.keys[0, h, best[h]] for h in range(2)])[None]
            layer.values = torch.stack([layer.values[0, h, best[h]] for h in range(2)])[None]
        for step in range(num_tokens):
            tokens.append(int(logits[0, -1].argmax()))
            at = torch.tensor([[len(row) + step]])
            logits = model(input_ids=torch.tensor([tokens[-1:]]), position_ids=at, past_key_values=cache).logits
    return tokens


@pytest.mark.parametrize("press", [KeyNorm(compression_ratio=0.5), StreamingLLM(compression_ratio=0.6, num_sinks=1)])
def test_generation_in_a_padded_batch_equals_a_cache_pressed_by_hand(press):
    model = tiny_model()
    expected = [reference_tokens(model, press, row, 10) for row in ROWS]
    with attached(press, model):
        assert greedy(model, ROWS, 10) == expected
    assert greedy(model, ROWS, 10) != expected


def test_cache_really_shrinks_and_grows_by_one_token_a_step():
    model = tiny_model()
    with attached(KeyNorm(compression_ratio=0.5), model) as work:
        result = model.generate(
            torch.tensor([list(range(1, 21))]), max_new_tokens=5, do_sample=False, return_dict_in_generate=True
        )
    assert [layer.keys.shape[2] for layer in result.past_key_values.layers] == [14, 14]  # 10 kept, 4 fed back
    assert work.statistics.bytes_after * 2 == work.statistics.bytes_before == 20 * kv_bytes_per_token(model)
    assert (work.statistics.prompts, work.statistics.prompt_tokens, work.statistics.kept_tokens) == (1, 20, 10)


def test_kv_bytes_per_token_agree_with_a_real_cache():
    for model in (tiny_model(), tiny_model(1).to(torch.bfloat16)):
        cache = DynamicCache(config=model.config)
        model(torch.tensor([[5, 6, 7]]), past_key_values=cache)
        assert cache_bytes(cache) == 3 * kv_bytes_per_token(model)
    tiny_model(1).to(torch.float32)


@settings(max_examples=10, deadline=None)
@given(prompts(max_rows=1, max_length=12), st.lists(st.integers(1, 127), min_size=1, max_size=5))
def test_two_phases_without_a_press_equal_one_forward(rows, continuation):
    model, context = tiny_model(), rows[0]
    with torch.no_grad():
        logits = model(torch.tensor([context + continuation])).logits[0, len(context) - 1 : -1]
    target = torch.tensor(continuation)
    expected = logits.log_softmax(-1).gather(1, target[:, None]).sum().item()
    score = score_in_two_phases(model, context, continuation)
    assert score.logprob == pytest.approx(expected, abs=1e-3)
    assert score.is_greedy == bool((logits.argmax(-1) == target).all())


def test_two_phases_under_a_press_score_its_own_greedy_tokens_as_greedy():
    model, context = tiny_model(), list(range(20, 50))
    with attached(KeyNorm(compression_ratio=0.7), model):
        continuation = greedy(model, [context], 6)[0]
        pressed = score_in_two_phases(model, context, continuation)
    assert pressed.is_greedy
    assert pressed.logprob != score_in_two_phases(model, context, continuation).logprob


def test_two_phases_need_context_and_continuation():
    with pytest.raises(DataError, match="token of context"):
        score_in_two_phases(tiny_model(), [], [1])


def test_hooks_are_removed_when_the_block_raises():
    model = tiny_model()
    before = model_digest(model)

    def fail():
        with attached(KeyNorm(), model):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert model_digest(model) == before


@pytest.mark.parametrize(
    "score",
    [
        lambda view: torch.zeros(view.keys.shape[:2]),
        lambda view: torch.full(view.keys.shape[:3], float("nan")),
    ],
)
def test_a_press_that_scores_wrongly_is_named(score):
    with attached(Broken(score), tiny_model()), pytest.raises(BackendError, match="broken"):
        greedy(tiny_model(), ROWS)


def test_chunked_prefill_is_refused():
    model = tiny_model()
    with attached(KeyNorm(), model), pytest.raises(ConfigError, match="chunked prefill"):
        model.generate(torch.tensor([[3] * 12]), max_new_tokens=2, prefill_chunk_size=4)


def test_a_cache_filled_before_is_refused():
    model, cache = tiny_model(), DynamicCache(config=tiny_model().config)
    model(torch.tensor([[5, 6, 7]]), past_key_values=cache)
    with attached(KeyNorm(), model), pytest.raises(ConfigError, match="filled before"):
        model(torch.tensor([[8]]), past_key_values=cache)


def test_a_forward_without_a_cache_is_left_alone():
    model, ids = tiny_model(), torch.tensor([[5, 6, 7, 8]])
    with attached(KeyNorm(), model) as work:
        assert torch.equal(model(ids).logits, model(ids, use_cache=False).logits)
    assert work.statistics.prompts == 0


def test_a_cache_that_was_reset_is_pressed_anew():
    model, cache = tiny_model(), DynamicCache()
    with attached(KeyNorm(compression_ratio=0.5), model):
        for length in (8, 4):
            cache.reset()
            model(torch.tensor([[5] * length]), past_key_values=cache)
            assert cache.get_seq_length() == length // 2


def test_a_static_cache_is_refused_by_name():
    model = tiny_model()
    with attached(KeyNorm(), model), pytest.raises(ConfigError, match="StaticCache"):
        model(torch.tensor([[5, 6]]), past_key_values=StaticCache(config=model.config, max_cache_len=8))


def test_sliding_window_models_are_refused_by_name():
    from transformers import MistralConfig, MistralForCausalLM

    small = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2}
    config = MistralConfig(vocab_size=32, num_hidden_layers=2, sliding_window=8, **small)
    with pytest.raises(ConfigError, match=r"MistralForCausalLM .*DynamicSlidingWindowLayer"):
        check_model(MistralForCausalLM(config), "compression: key-norm")


def test_models_with_positions_from_the_mask_are_refused_by_name():
    from transformers import BloomConfig, BloomForCausalLM

    model = BloomForCausalLM(BloomConfig(vocab_size=32, hidden_size=32, n_layer=1, n_head=2))
    with pytest.raises(ConfigError, match="BloomForCausalLM"):
        check_model(model, "compression: key-norm")


def test_beams_see_the_pressed_cache():
    model = tiny_model()
    options = {"num_beams": 3, "max_new_tokens": 5, "do_sample": False, "pad_token_id": 0}
    with attached(StreamingLLM(compression_ratio=0.5), model):
        together = model.generate(**padded(ROWS), **options)[:, 7:].tolist()
        alone = [model.generate(torch.tensor([row]), **options)[0, len(row) :].tolist() for row in ROWS]
    assert together == alone
