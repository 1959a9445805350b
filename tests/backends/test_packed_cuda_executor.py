"""Steps of the device executor on the CPU, with torch's varlen_attn played by a strict stand-in, against the model."""

import inspect

import pytest
import torch
from executor_on_cpu import CPU, GREEDY, KERNELS, SAMPLED, after, executor, own_logits, prompt, tables, text, tiny
from varlen_reference import old_varlen_attn, varlen_attn

from lottery_plugins.backends.packed import choose_kernel as choosing
from lottery_plugins.backends.packed.cache import LayerShape
from lottery_plugins.backends.packed.choose_kernel import choose_kernel, fault
from lottery_plugins.backends.packed.cuda_build import blocks_that_fit, largest_step
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.sampling import results
from lottery_plugins.backends.packed.varlen import GatheredVarlen, PagedVarlen, PerSequence
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.runner import UnusableOutputError


@pytest.mark.parametrize("kind", ["llama", "mistral"])
@pytest.mark.parametrize("name", KERNELS)
def test_prompts_chunks_and_decode_rows_of_one_step_have_the_models_own_logits(name, kind):
    model, kernel = tiny(kind), KERNELS[name]
    texts = [text(0, 21), text(1, 300), text(2, 9), text(3, 1)]
    where = tables(kernel, *(len(ids) for ids in texts))
    run = executor(model, kernel, num_blocks=60)
    cuts = [13, 280, 8, 0]
    first = [prompt(ids[:cut], blocks) for ids, cut, blocks in zip(texts, cuts, where, strict=True) if cut]
    run.start(run.pack(first))()
    rows = [
        after(ids, cut, blocks, targets=[5] * (len(ids) - cut))
        for ids, cut, blocks in zip(texts, cuts, where, strict=True)
    ]
    step = run.pack(rows)
    got, at = run.logits(step), 0
    assert step.order == [2, 3, 0, 1]  # rows of one token first
    for row in step.order:
        want = own_logits(model, texts[row])[cuts[row] :]
        torch.testing.assert_close(got[at : at + len(want)], want, atol=1e-5, rtol=1e-4)
        at += len(want)
    assert at == len(got)


@pytest.mark.parametrize("kind", ["llama", "mistral"])
@pytest.mark.parametrize("name", KERNELS)
def test_a_step_of_decode_rows_alone_has_the_models_own_logits(name, kind):
    model, kernel = tiny(kind), KERNELS[name]
    texts = [text(4, 22), text(5, 258), text(6, 2)]
    where = tables(kernel, *(len(ids) for ids in texts))
    run = executor(model, kernel, num_blocks=60)
    run.start(run.pack([prompt(ids[:-1], blocks) for ids, blocks in zip(texts, where, strict=True)]))()
    rows = [after(ids, len(ids) - 1, blocks, params=GREEDY) for ids, blocks in zip(texts, where, strict=True)]
    step = run.pack(rows)
    want = torch.stack([own_logits(model, ids)[-1] for ids in texts])
    torch.testing.assert_close(run.logits(step), want, atol=1e-5, rtol=1e-4)
    assert [found.token for found in run.start(step)()] == want.argmax(dim=-1).tolist()


def test_rows_of_one_token_are_attended_apart_from_longer_ones():
    model, asked = tiny(), []

    def noting(query, key, value, cu_seq_q, *args, **kwargs):
        asked.append((cu_seq_q.tolist(), kwargs["window_size"]))
        return varlen_attn(query, key, value, cu_seq_q, *args, **kwargs)

    run = executor(model, PagedVarlen(noting))
    run.start(run.pack([prompt([1, 2], [0]), prompt([3], [1], params=GREEDY), prompt([4, 5, 6], [2])]))()
    assert asked == [([0, 1], (-1, -1)), ([0, 2, 5], (-1, 0))] * 2  # in each of two layers


def test_drawing_and_scoring_agree_with_the_cpu_runners():
    model, kernel = tiny(), KERNELS["paged"]
    run = executor(model, kernel)
    texts = [text(seed, 8 + seed) for seed in range(5)]
    rows = [
        prompt(texts[0], [0], params=GREEDY),
        prompt(texts[1], [1], targets=texts[1][-3:]),
        prompt(texts[2], [2], params=SAMPLED, draw_seed=11, draw_index=4),
        prompt(texts[3], [3], params=GREEDY, targets=[1, 2]),
        prompt(texts[4], [4]),
    ]
    step = run.pack(rows)
    logits = run.logits(step).clone()
    for got, want in zip(run.start(step)(), results(logits, step), strict=True):
        assert (got.token, got.is_greedy) == (want.token, want.is_greedy)
        assert got.logprobs == pytest.approx(want.logprobs, abs=1e-6)
    highest = own_logits(model, texts[1])[-2:].argmax(dim=-1).tolist()
    greedy = run.start(run.pack([prompt(texts[1], [1], targets=highest)]))()[0]
    assert greedy.is_greedy


@pytest.mark.parametrize("what", [{"params": GREEDY}, {"params": SAMPLED}, {"targets": [3]}])
def test_nan_names_the_row(what):
    model, kernel = tiny(), KERNELS["paged"]
    run = executor(model, kernel)
    with torch.no_grad():
        model.model.embed_tokens.weight[7] = float("nan")
    rows = [prompt([1, 2], [0], **what), prompt([3, 7], [1], **what), prompt([5], [2], **what)]
    with pytest.raises(UnusableOutputError) as raised:
        run.start(run.pack(rows))()
    assert raised.value.row == 1


def test_a_kernel_is_chosen_by_what_it_computes_and_a_slow_one_is_said(monkeypatch, caplog):
    bf16 = [LayerShape(2, 16, torch.bfloat16), LayerShape(2, 16, torch.bfloat16, window=8)]
    monkeypatch.setattr(choosing, "_varlen", lambda: varlen_attn)
    assert isinstance(choose_kernel(bf16, 4, CPU), PagedVarlen)
    assert not caplog.records

    def without_rows(*args, **kwargs):  # as FlashAttention 2 with several splits
        out = varlen_attn(*args, **kwargs)
        out[1:] = 0 if kwargs.get("block_table") is not None else out[1:]
        return out

    without_rows.__signature__ = inspect.signature(varlen_attn)
    monkeypatch.setattr(choosing, "_varlen", lambda: without_rows)
    assert isinstance(choose_kernel(bf16, 4, CPU), GatheredVarlen)
    assert "differs from plain attention" in caplog.text
    monkeypatch.setattr(choosing, "_varlen", lambda: old_varlen_attn)
    caplog.clear()
    assert isinstance(choose_kernel(bf16, 4, CPU), GatheredVarlen)
    assert "takes no block_table" in caplog.text
    monkeypatch.setattr(choosing, "_varlen", lambda: None)
    assert isinstance(choose_kernel(bf16, 4, CPU), PerSequence)
    monkeypatch.setattr(choosing, "_varlen", lambda: varlen_attn)
    caplog.clear()
    assert isinstance(choose_kernel([LayerShape(2, 16, torch.float32)], 4, CPU), PerSequence)
    assert "float32" in caplog.text


def test_a_kernel_that_raises_is_a_fault():
    def refusing(*args, **kwargs):
        raise RuntimeError("no paged attention here\nand a long trace")

    found = fault(PagedVarlen(refusing), LayerShape(2, 16, torch.bfloat16), 4, CPU)
    assert found == "RuntimeError: no paged attention here"


def test_out_of_memory_is_passed_on_and_the_next_step_is_served(monkeypatch):
    model, kernel = tiny(), KERNELS["paged"]
    run = executor(model, kernel)
    step = run.pack([prompt([1, 2, 3], [0], params=GREEDY)])
    with monkeypatch.context() as patch:
        patch.setattr(run, "_model", _out_of_memory)
        with pytest.raises(torch.OutOfMemoryError):
            run.start(step)
    assert run.start(step)()[0].token == int(own_logits(model, [1, 2, 3])[-1].argmax())


def _out_of_memory(**kwargs):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_the_largest_step_has_as_many_tokens_as_were_asked_for_in_rows_that_the_model_allows(monkeypatch):
    model, seen = tiny(), []
    forward = model.forward

    def recording(**kwargs):
        seen.append((kwargs["input_ids"].numel(), int(kwargs["position_ids"].max())))
        return forward(**kwargs)

    monkeypatch.setattr(model, "forward", recording)
    layers = [LayerShape(2, 8, torch.float32)] * 2
    largest_step(model, layers, KERNELS["paged"], 1300, 600)
    largest_step(model, layers, KERNELS["paged"], 70, None)
    assert seen == [(1300, 599), (70, 69)]


def test_the_cache_takes_no_more_than_its_memory_with_the_block_that_is_nobodys():
    layers = [LayerShape(2, 8, torch.bfloat16), LayerShape(1, 16, torch.float32)]
    each = (2 * 2 * 8 * 2 + 2 * 16 * 4) * 256
    blocks = blocks_that_fit(10 * each + 5, layers, 256)
    pool = PagedPool(layers, blocks, 256, CPU)
    assert blocks == 9
    assert sum(states.nbytes for states in (*pool.keys, *pool.values)) == 10 * each
    with pytest.raises(ConfigError, match="kv_cache_gb"):
        blocks_that_fit(8 * each, layers, 256)
