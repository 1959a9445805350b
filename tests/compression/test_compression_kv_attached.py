"""KV methods at work in a transformers model: what presses are given, when they act, and what is left in each layer."""

import pytest
import torch
from transformers import DynamicCache

from lottery_plugins.attention_math import attention_mass
from lottery_plugins.compression import H2O, TOVA, KeyNorm, KVQuant, PyramidKV, SnapKV, StreamingLLM
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.errors import ConfigError
from lottery_plugins.testing.contracts.compression import greedy, padded, tiny_model

ROWS = [[3, 9, 27, 81, 11, 33, 99, 12, 44], [5, 25], [7, 49, 100, 60, 20]]
TEXT = [(7 * i * i + 3 * i) % 126 + 1 for i in range(30)]
SMALL = KVQuant(group_size=8, residual=4)


class Watching:
    """A press that remembers what it was given, and keeps the newest."""

    name, summary, stage, order, compression_ratio = "watching", "remembers", "kv-cache", 30, 0.5
    num_queries, needs_mass = 3, True

    def __init__(self):
        self.views = []

    def score(self, view):
        self.views.append(view)
        return torch.arange(view.keys.shape[2]).float().expand(view.keys.shape[:3])


def eager_twin(model):
    """The same weights, attending by transformers' own code that tells its weights."""
    twin = type(model)(model.config)
    twin.load_state_dict(model.state_dict())
    twin.set_attn_implementation("eager")
    return twin.eval()


def fill(model, ids):
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(input_ids=torch.tensor([ids]), past_key_values=cache)
    return cache


def step(model, cache, token):
    with torch.no_grad():
        return model(input_ids=torch.tensor([[token]]), past_key_values=cache).logits[0, -1]


def widths(cache):
    return [layer.keys.shape[2] for layer in cache.layers]


def test_a_press_sees_the_attention_that_the_model_computes():
    model, press = tiny_model(), Watching()
    with attached(press, model):
        fill(model, TEXT)
    with torch.no_grad():
        attention = eager_twin(model)(torch.tensor([TEXT]), output_attentions=True).attentions  # (1, 4, 30, 30) each
    for view, weights in zip(press.views, attention, strict=True):
        received = weights.sum(dim=2).unflatten(1, (2, 2)).mean(dim=2)
        torch.testing.assert_close(view.mass, received, atol=1e-4, rtol=1e-4)
        own = attention_mass(view.queries, view.keys, view.scaling)
        last = weights[:, :, -3:].sum(dim=2).unflatten(1, (2, 2)).mean(dim=2)
        torch.testing.assert_close(own, last, atol=1e-4, rtol=1e-4)
        assert (view.num_layers, view.query_valid.tolist()) == (2, [[True] * 3])


def test_a_padded_row_is_shown_as_it_is_alone():
    model, together, alone = tiny_model(), Watching(), Watching()
    with attached(together, model):
        greedy(model, ROWS, 1)
    with attached(alone, model):
        for row in ROWS:
            greedy(model, [row], 1)
    for layer in range(2):
        view = together.views[layer]
        for index, row in enumerate(ROWS):
            single, length = alone.views[2 * index + layer], len(row)
            count = min(3, length)
            assert view.query_valid[index].tolist() == [False] * (3 - count) + [True] * count
            for name in ("keys", "values", "mass"):
                found, expected = getattr(view, name)[index, :, -length:], getattr(single, name)[0]
                torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(view.queries[index, :, -count:], single.queries[0], atol=1e-4, rtol=1e-4)


def test_what_is_observed_token_by_token_is_what_a_prompt_shows():
    model = tiny_model()
    options = {"compression_ratio": 0.01, "decoding_interval": 99}  # observed, and nothing dropped
    with attached(SnapKV(window=4, **options), model):
        cache, whole = fill(model, TEXT[:20]), fill(model, TEXT)
        for token in TEXT[20:]:
            step(model, cache, token)
    for layer, other in zip(cache.layers, whole.layers, strict=True):
        torch.testing.assert_close(layer.queries, other.queries, atol=1e-4, rtol=1e-4)
    with attached(H2O(**options), model):
        cache, whole = fill(model, TEXT[:20]), fill(model, TEXT)
        for token in TEXT[20:]:
            step(model, cache, token)
    for layer, other in zip(cache.layers, whole.layers, strict=True):
        torch.testing.assert_close(layer.mass, other.mass, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("press", [KeyNorm, StreamingLLM, H2O, TOVA, SnapKV, PyramidKV])
def test_generated_tokens_are_dropped_every_interval_by_the_length_of_the_text(press):
    model, found = tiny_model(), []
    with attached(press(compression_ratio=0.5, decoding_interval=4), model):
        cache = fill(model, TEXT[:20])
        for token in TEXT[20:29]:
            step(model, cache, token)
            found.append(sum(widths(cache)) / 2)
    assert found == [11, 12, 13, 12, 13, 14, 15, 14, 15]


def test_without_an_interval_generated_tokens_stay_and_nothing_is_observed():
    model = tiny_model()
    with attached(H2O(), model):
        cache = fill(model, TEXT[:20])
        step(model, cache, 5)
    assert widths(cache) == [11, 11]
    assert all(layer.mass is None and layer.queries is None for layer in cache.layers)


def test_streaming_while_generating_keeps_what_the_whole_text_would():
    model = tiny_model()
    press = StreamingLLM(compression_ratio=0.5, decoding_interval=2)
    with attached(press, model):
        cache = fill(model, TEXT[:20])
        for token in TEXT[20:28]:
            step(model, cache, token)
    plain = fill(model, TEXT[:28])
    kept = [0, 1, 2, 3, *range(18, 28)]
    torch.testing.assert_close(cache.layers[0].keys, plain.layers[0].keys[:, :, kept], atol=1e-4, rtol=1e-4)


def test_budgets_of_layers_are_kept_and_served_in_padded_batches():
    model, press = tiny_model(), PyramidKV(compression_ratio=0.5, window=2, beta=4)
    with attached(press, model) as work:
        cache = fill(model, TEXT)
        assert widths(cache) == [26, 4]
        assert work.statistics.kept_by_layer == [26, 4]
        assert work.statistics.kept_tokens == 15
        together = greedy(model, [TEXT, *ROWS])
        assert together == [greedy(model, [row])[0] for row in (TEXT, *ROWS)]
        assert score_in_two_phases(model, TEXT, together[0]).is_greedy


def test_quantized_positions_hold_what_decoding_gives_and_the_newest_are_left():
    model = tiny_model()
    with attached(None, model, SMALL) as work:
        cache = fill(model, TEXT)
    plain = fill(model, TEXT)
    for layer, before in zip(cache.layers, plain.layers, strict=True):
        for name, encode, decode in (
            ("keys", SMALL.encode_keys, SMALL.decode_keys),
            ("values", SMALL.encode_values, SMALL.decode_values),
        ):
            found, states = getattr(layer, name), getattr(before, name)
            groups = states[:, :, :24].unflatten(2, (3, 8))
            torch.testing.assert_close(found[:, :, :24], decode(encode(groups), 16).flatten(2, 3))
            torch.testing.assert_close(found[:, :, 24:], states[:, :, 24:])
            assert not torch.allclose(found[:, :, :24], states[:, :, :24], atol=1e-2)
    counts = work.statistics
    assert counts.bytes_after == counts.bytes_before == 2 * 2 * 2 * 30 * 16 * 4
    assert counts.packed_bytes_after == 2 * 2 * 2 * (6 * 16 * 4 + 3 * SMALL.group_bytes(16))


def test_a_press_and_a_quantizer_act_one_after_the_other():
    model, press = tiny_model(), StreamingLLM(compression_ratio=0.5)
    with attached(press, model, SMALL) as work:
        cache = fill(model, TEXT)
    with attached(press, model):
        dropped = fill(model, TEXT)
    keys = dropped.layers[1].keys
    expected = SMALL.decode_keys(SMALL.encode_keys(keys[:, :, :8]), 16)
    torch.testing.assert_close(cache.layers[1].keys, torch.cat([expected, keys[:, :, 8:]], dim=2))
    assert work.statistics.packed_bytes_after == 2 * 2 * 2 * (7 * 16 * 4 + SMALL.group_bytes(16))


def test_groups_are_encoded_while_generating_only_where_asked():
    model, encoded = tiny_model(), []
    for interval in (0, 3):
        with attached(None, model, KVQuant(group_size=8, residual=0, decoding_interval=interval)):
            cache = fill(model, TEXT[:12])
            for token in TEXT[12:19]:
                step(model, cache, token)
                encoded.append(int(cache.layers[0].encoded))
    assert encoded == [8] * 7 + [8, 8, 8, 8, 8, 16, 16]


def test_what_is_encoded_stays_as_it_is():
    model = tiny_model()
    with attached(None, model, KVQuant(group_size=8, residual=0, bits=2, decoding_interval=1)):
        cache = fill(model, TEXT[:8])
        before = cache.layers[0].keys.clone()
        for token in TEXT[8:16]:
            step(model, cache, token)
    assert torch.equal(cache.layers[0].keys[:, :, :8], before)


def test_beams_take_along_what_was_observed():
    model, press = tiny_model(), H2O(compression_ratio=0.5, decoding_interval=2)
    options = {"num_beams": 3, "max_new_tokens": 7, "do_sample": False, "pad_token_id": 0}
    with attached(press, model):
        together = model.generate(**padded(ROWS), **options)[:, 9:].tolist()
        alone = [model.generate(torch.tensor([row]), **options)[0, len(row) :].tolist() for row in ROWS]
    assert together == alone


def test_compression_while_reading_the_prompt_is_left_to_the_packed_engine():
    with pytest.raises(ConfigError, match="engine=packed"), attached(TOVA(prefill_interval=64), tiny_model()):
        pass


def test_padding_behind_the_text_is_refused():
    model, batch = tiny_model(), padded(ROWS)
    batch["attention_mask"] = batch["attention_mask"].flip(1)
    with attached(TOVA(), model), pytest.raises(ConfigError, match="padded on the left"):
        model(**batch, past_key_values=DynamicCache(config=model.config))


class Interrupted(torch.nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, *_, **__):
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()], ids=["fails", "is interrupted"])
def test_a_model_attends_as_before_when_a_forward(error):
    model = tiny_model(3)
    used, norm = model.config._attn_implementation, model.model.norm
    model.model.norm = Interrupted(error)
    with attached(TOVA(), model), pytest.raises(type(error)):
        fill(model, TEXT)
    model.model.norm = norm
    assert model.config._attn_implementation == used


def test_a_model_attends_as_before_outside_its_forwards():
    model = tiny_model()
    used = model.config._attn_implementation
    with attached(TOVA(), model):
        fill(model, TEXT)
        assert model.config._attn_implementation == used


def test_apply_puts_press_and_quantizer_to_work_together():
    result = apply([SMALL, TOVA()], tiny_model())
    greedy(result.model, ROWS)
    assert [method.name for method in result.report.methods] == ["tova", "kv-quant"]
    assert (result.press.press, result.press.quantizer) == (TOVA(), SMALL)
    assert result.press.statistics.prompts == 3
