"""Compression in the packed runner against the same method in the model's own cache."""

import pytest
import torch
from packed_models import logits_of, model, runner_of
from transformers import DynamicCache

from lottery_plugins.backends.packed.eviction import highest_positions
from lottery_plugins.compression.kv.key_norm import KeyNorm
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.streaming_llm import StreamingLLM
from lottery_plugins.errors import BackendError, ConfigError
from lottery_plugins.protocols.runner import Held, Row

TEXT = [(j * j + 3 * j) % 61 for j in range(27)]
MORE = [5, 9, 2]


@pytest.mark.parametrize("press", [KeyNorm(compression_ratio=0.4), StreamingLLM(compression_ratio=0.5)])
@pytest.mark.parametrize(
    "into", [[0, 1, 2, 3, 4, 5, 6, 7], [20, 11, 12, 13, 14, 9, 16, 17]], ids=["in place", "elsewhere"]
)
def test_a_compressed_cache_goes_on_as_the_reference_does(press, into):
    made = model("llama-grouped")
    cache = DynamicCache(config=made.config)
    with attached(press, made), torch.no_grad():
        made(input_ids=torch.tensor([TEXT]), past_key_values=cache)
        expected = [made(input_ids=torch.tensor([[t]]), past_key_values=cache).logits[0, -1] for t in MORE]
    runner = runner_of(made, press=press)
    runner.begin([Row(ids=TEXT, cached=0, position=0, blocks=range(8))])()
    keep = cache.get_seq_length() - len(MORE)
    runner.compress(Held(range(8), len(TEXT)), Held(into, keep), None)
    for i, token in enumerate(MORE):
        row = Row(ids=[token], cached=keep + i, position=len(TEXT) + i, blocks=into, targets=[0])
        assert torch.allclose(logits_of(runner, [row])[0][0], expected[i], atol=1e-4)


def test_of_equal_scores_the_earlier_position_stays():
    score = torch.tensor([[1.0, 2.0, 1.0, 2.0, 1.0]])
    assert highest_positions(score, 3).tolist() == [[0, 1, 3]]


def test_without_a_press_compressing_is_refused():
    with pytest.raises(ConfigError, match="KV-cache method"):
        runner_of(model("llama-grouped")).compress(Held([0], 4), Held([0], 2), None)


def test_scores_that_are_not_finite_are_the_methods_fault():
    class Broken(KeyNorm):
        def score(self, view):
            return view.keys.norm(dim=-1) * torch.nan

    runner = runner_of(model("llama-grouped"), press=Broken())
    runner.begin([Row(ids=[1, 2, 3], cached=0, position=0, blocks=[0])])()
    with pytest.raises(BackendError, match="not finite"):
        runner.compress(Held([0], 3), Held([0], 2), None)
