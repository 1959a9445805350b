"""The packed runner gives what the model's own forward gives, whatever else is in the step."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from packed_models import NUM_BLOCKS, SERVED, VOCABULARY, logits_of, model, own_logits, runner_of

from lottery_plugins.backends.packed import attention, cpu, pieces
from lottery_plugins.backends.packed.pieces import plan_pieces
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import OutOfMemoryInStepError, Row, UnusableOutputError

GREEDY = SamplingParams(max_tokens=1)


class Scene:
    """Sequences that start with a shared text, in a runner, forwarded in chunks."""

    def __init__(self, made, draw, block_size):
        self.made, self.block_size = made, block_size
        self.runner = runner_of(made, block_size)
        self.random = random.Random(draw(st.integers(0, 2**32)))
        self.free = list(range(NUM_BLOCKS))
        if draw(st.booleans()):
            self.random.shuffle(self.free)
        self.shared = [self.random.randrange(VOCABULARY) for _ in range(draw(st.integers(0, 5)) * block_size)]
        self.shared_blocks = self.take(len(self.shared))
        lengths = draw(st.lists(st.integers(1, 3 * block_size), min_size=1, max_size=5))
        self.texts = [self.shared + [self.random.randrange(VOCABULARY) for _ in range(n)] for n in lengths]
        self.tables = [self.shared_blocks + self.take(n) for n in lengths]
        self.done = [len(self.shared)] * len(lengths)

    def take(self, positions):
        return [self.free.pop() for _ in range(-(-positions // self.block_size))]

    def rows(self, most):
        """One chunk of some of the sequences that are not finished."""
        rows, whose = [], []
        for i, text in enumerate(self.texts):
            left = len(text) - self.done[i]
            if left and (self.random.random() < 0.8 or not rows):
                stop = self.done[i] + self.random.randint(1, min(left, most))
                rows.append(self.row(text, self.tables[i], self.done[i], stop))
                whose.append(i)
                self.done[i] = stop
        return rows, whose

    @staticmethod
    def row(text, blocks, start, stop):
        ids = text[start:stop]
        return Row(ids=ids, cached=start, position=start, blocks=blocks, targets=ids)


@pytest.mark.parametrize("name", SERVED)
@given(data=st.data())
def test_chunks_of_rows_that_share_blocks_give_the_models_own_logits(name, data):
    made = model(name)
    scene = Scene(made, data.draw, data.draw(st.sampled_from([1, 4])))
    if scene.shared:
        logits_of(scene.runner, [scene.row(scene.shared, scene.shared_blocks, 0, len(scene.shared))])
    expected = [own_logits(made, text) for text in scene.texts]
    limits = data.draw(st.sampled_from([(1, 2), (8, 1), (10**6, 3)]))
    exact = data.draw(st.booleans())  # the way of bfloat16
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_MIN_SHARED_POSITIONS", limits[0])
        patch.setattr(pieces, "_MAX_RUNS", limits[1])
        patch.setattr(cpu, "plan_pieces", lambda spans, size, window, _: plan_pieces(spans, size, window, exact))
        while any(done < len(text) for done, text in zip(scene.done, scene.texts, strict=True)):
            rows, whose = scene.rows(data.draw(st.sampled_from([1, 3, 20])))
            for row, i, got in zip(rows, whose, logits_of(scene.runner, rows), strict=True):
                own = expected[i][row.position : row.position + len(row.ids)]
                assert (got - own).abs().max() <= 1e-4 * max(1, own.abs().max())


def prefilled(runner, texts, per=8):
    """Rows that each decode the last token of a text."""
    rows = []
    for i, text in enumerate(texts):
        blocks = list(range(i * per, (i + 1) * per))
        runner.begin([Row(ids=text[:-1], cached=0, position=0, blocks=blocks)])()
        rows.append(Row(ids=text[-1:], cached=len(text) - 1, position=len(text) - 1, blocks=blocks, params=GREEDY))
    return rows


@pytest.mark.parametrize("name", SERVED)
def test_greedy_tokens_and_scores_are_those_of_the_model_alone_and_in_a_batch(name):
    made = model(name)
    runner = runner_of(made)
    texts = [[(7 * i + j * j) % VOCABULARY for j in range(5 + 6 * i)] for i in range(4)]
    rows = prefilled(runner, texts)
    scored = Row(ids=texts[0], cached=0, position=0, blocks=range(40, 48), targets=[3, 5])
    together = runner.begin([*rows, scored])()
    alone = [runner.begin([row])()[0].token for row in rows]
    assert [r.token for r in together[:4]] == alone == [int(own_logits(made, t)[-1].argmax()) for t in texts]
    own = own_logits(made, texts[0])[-2:].log_softmax(-1)
    assert together[4].token is None
    assert together[4].logprobs == pytest.approx([float(own[0, 3]), float(own[1, 5])], abs=1e-4)
    assert together[4].is_greedy is bool(own[0].argmax() == 3 and own[1].argmax() == 5)


def test_a_row_without_draw_or_targets_only_fills_the_cache():
    runner = runner_of(model("llama-grouped"))
    (result,) = runner.begin([Row(ids=[1, 2, 3], cached=0, position=0, blocks=[0])])()
    assert (result.token, result.logprobs) == (None, ())


def test_greedy_targets_are_told_from_others():
    made = model("llama-grouped")
    runner = runner_of(made)
    best = int(own_logits(made, [4, 5, 6])[-1].argmax())
    rows = [Row(ids=[4, 5, 6], cached=0, position=0, blocks=[b], targets=[t]) for b, t in ((0, best), (1, best ^ 1))]
    assert [r.is_greedy for r in runner.begin(rows)()] == [True, False]


def test_bf16_gives_the_same_numbers_in_any_batch():
    made = model("llama-grouped", torch.bfloat16)
    runner = runner_of(made)
    texts = [[(11 * i + j * j) % VOCABULARY for j in range(9 + 5 * i)] for i in range(4)]
    rows = [Row(ids=r.ids, cached=r.cached, position=r.position, blocks=r.blocks, targets=[1])
            for r in prefilled(runner, texts)]  # fmt: skip
    together = logits_of(runner, rows)
    assert all(torch.equal(logits_of(runner, [row])[0], got) for row, got in zip(rows, together, strict=True))


def test_a_copied_block_serves_as_the_first_one():
    made = model("llama-grouped")
    runner = runner_of(made)
    text = [9, 8, 7, 6, 5]
    runner.begin([Row(ids=text[:4], cached=0, position=0, blocks=[3])])()
    runner.copy(3, 10, 3)
    row = Row(ids=text[3:], cached=3, position=3, blocks=[10, 11], targets=text[3:])
    (got,) = logits_of(runner, [row])
    assert torch.allclose(got, own_logits(made, text)[3:], atol=1e-4)


def test_nan_is_named_by_the_schedulers_row():
    made = model("llama-grouped")
    runner = runner_of(made)
    good = Row(ids=[1, 2], cached=0, position=0, blocks=[9], params=GREEDY)
    bad = Row(ids=[1], cached=4, position=4, blocks=[5, 6], params=GREEDY)  # block 5 was never written: it is NaN
    with pytest.raises(UnusableOutputError) as caught:
        runner.begin([good, bad])()
    assert caught.value.row == 1
    silent = Row(ids=[1], cached=4, position=4, blocks=[5, 6])  # nothing is asked of it
    assert runner.begin([silent, good])()[1].token is not None


def test_the_models_own_attention_is_back_after_a_step_and_after_an_error(monkeypatch):
    made = model("llama-grouped")
    runner = runner_of(made)
    seen = []
    monkeypatch.setattr(made.lm_head, "forward", lambda x: seen.append(made.config._attn_implementation) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runner.begin([Row(ids=[1], cached=0, position=0, blocks=[0], params=GREEDY)])()
    assert seen == [attention.NAME]
    assert made.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 5 bytes")])
def test_lack_of_memory_is_named(error, monkeypatch):
    made = model("llama-grouped")
    runner = runner_of(made)

    def raising(_):
        raise error

    monkeypatch.setattr(made.lm_head, "forward", raising)
    with pytest.raises(OutOfMemoryInStepError):
        runner.begin([Row(ids=[1], cached=0, position=0, blocks=[0], params=GREEDY)])()
