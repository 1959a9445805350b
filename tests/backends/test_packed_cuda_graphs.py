"""The books of captured decode steps, with a graph that recomputes into the same tensors, as a real one does."""

import pytest
import torch
from executor_on_cpu import GREEDY, KERNELS, SAMPLED, FakeCapture, after, executor, own_logits, prompt, text, tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.backends.packed.graphs import DecodeGraphs, DecodeInputs
from lottery_plugins.backends.packed.steps import packed_step
from lottery_plugins.protocols.runner import Row


def served(capture, lengths, steps=6, params=GREEDY):
    """Tokens of a greedy decoding of several texts, step by step, and the executor."""
    model = tiny()
    run = executor(model, KERNELS["paged"], capture, num_blocks=len(lengths) + 3)
    texts = [text(seed, length) for seed, length in enumerate(lengths)]
    results = run.start(run.pack([prompt(ids, [b], params=params) for b, ids in enumerate(texts)]))()
    for _ in range(steps):
        for ids, result in zip(texts, results, strict=True):
            ids.append(result.token)
        rows = [after(ids, len(ids) - 1, [b], params=params, draw_index=9) for b, ids in enumerate(texts)]
        results = run.start(run.pack(rows))()
    return texts, run


def test_replayed_steps_give_the_tokens_of_steps_without_graphs():
    capture = FakeCapture()
    texts, run = served(capture, [5, 30, 12])
    assert texts == served(None, [5, 30, 12])[0]
    assert list(run.graphs.captured) == [4]  # three rows and a filler; captured by the trial
    assert [graph.replays for graph in capture.graphs] == [1 + 6]
    model = tiny()
    for ids in texts:
        assert ids[-1] == int(own_logits(model, ids[:-1])[-1].argmax())


def test_rows_that_sample_draw_the_same_from_a_replay():
    assert served(FakeCapture(), [5, 9], params=SAMPLED)[0] == served(None, [5, 9], params=SAMPLED)[0]


def test_fillers_leave_the_cache_of_all_rows_alone():
    _, plain = served(None, [4, 7, 3])
    _, replayed = served(FakeCapture(), [4, 7, 3])
    for layer in range(2):
        for a, b in ((plain.pool.keys, replayed.pool.keys), (plain.pool.values, replayed.pool.values)):
            torch.testing.assert_close(a[layer][:3], b[layer][:3], atol=1e-6, rtol=1e-5)


def test_a_model_that_cannot_be_captured_runs_without_graphs_and_that_is_said_once(caplog):
    texts, run = served(FakeCapture(RuntimeError("operation not permitted when stream is capturing\nmore")), [5, 9])
    assert texts == served(None, [5, 9])[0]
    assert not run.graphs.usable
    assert len(caplog.records) == 1
    assert "not permitted when stream is capturing)" in caplog.text


def test_out_of_memory_releases_all_graphs_and_later_steps_capture_again(monkeypatch):
    capture = FakeCapture()
    _, run = served(capture, [5, 9])
    assert [graph.replays for graph in capture.graphs] == [1, 4]  # a trial; then captured at the third step of six
    step = run.pack([prompt([1, 2], [0], params=GREEDY)])
    with monkeypatch.context() as patch:
        patch.setattr(run, "_model", _out_of_memory)
        with pytest.raises(torch.OutOfMemoryError):
            run.start(step)
    assert [graph.released for graph in capture.graphs] == [True, True]
    assert (run.graphs.captured, capture.resets) == ({}, 1)
    for _ in range(3):
        run.start(run.pack([Row(ids=[1], cached=3, position=3, blocks=[0], params=GREEDY)]))()
    assert list(run.graphs.captured) == [1]


def _out_of_memory(**kwargs):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_graphs_whose_trial_gives_other_logits_are_not_used(caplog):
    class Forgetful(FakeCapture):
        def __call__(self, run):
            graph = super().__call__(run)
            graph.replay = lambda: None
            return graph

    texts, run = served(Forgetful(), [5, 9])
    assert run.graphs is None
    assert "gave other logits" in caplog.text
    assert texts == served(None, [5, 9])[0]


def test_what_is_too_much_for_the_largest_bucket_is_run_without_a_graph():
    inputs = DecodeInputs(2, max_blocks=1, block_size=4, scratch=9, device=torch.device("cpu"))
    graphs = DecodeGraphs(lambda *_: torch.zeros(2, 5), inputs, FakeCapture())
    rows = [Row(ids=[1], cached=0, position=0, blocks=[b], params=GREEDY) for b in range(3)]
    for _ in range(4):
        assert graphs.run(packed_step(rows, range(3), 4)) is None
    assert graphs.captured == {}


@settings(max_examples=10)
@given(st.lists(st.integers(1, 5), min_size=4, max_size=12))
def test_any_run_of_batch_sizes_gives_each_row_its_own_logits(sizes):
    model, capture = tiny(), FakeCapture()
    run = executor(model, KERNELS["paged"], capture, num_blocks=8)
    texts = [text(seed, 3 + seed) for seed in range(5)]
    run.start(run.pack([prompt(ids, [b]) for b, ids in enumerate(texts)]))()
    for step, size in enumerate(sizes):
        chosen = [(step + i) % 5 for i in range(size)]
        for i in chosen:
            texts[i].append((7 * step + i) % 97)
        rows = [after(texts[i], len(texts[i]) - 1, [i], params=GREEDY) for i in chosen]
        found = run.start(run.pack(rows))()
        assert [result.token for result in found] == [int(own_logits(model, texts[i])[-1].argmax()) for i in chosen]
