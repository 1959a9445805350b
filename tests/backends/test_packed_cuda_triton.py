"""The Triton kernel against plain attention; without a device, in Triton's interpreter. Skipped where triton is not."""

import os
from itertools import accumulate

import numpy
import pytest
import torch

ON_DEVICE = torch.cuda.is_available()
if not ON_DEVICE:
    os.environ.setdefault("TRITON_INTERPRET", "1")
    if tuple(map(int, numpy.__version__.split(".")[:2])) >= (2, 4):
        pytest.skip("Triton's interpreter needs numpy below 2.4", allow_module_level=True)
pytest.importorskip("triton")

from varlen_reference import old_varlen_attn  # noqa: E402 - triton reads the environment when it is imported

from lottery_plugins.backends.packed.cache import LayerShape  # noqa: E402
from lottery_plugins.backends.packed.choose_kernel import fault  # noqa: E402
from lottery_plugins.backends.packed.paged_index import host_index, paged_index  # noqa: E402
from lottery_plugins.backends.packed.triton_decode import TritonDecode  # noqa: E402
from lottery_plugins.backends.packed.varlen import GatheredVarlen, PerSequence, accepted  # noqa: E402
from lottery_plugins.protocols.runner import Row  # noqa: E402

pytestmark = [pytest.mark.gpu] if ON_DEVICE else []
DEVICE = torch.device("cuda" if ON_DEVICE else "cpu")
KERNEL = TritonDecode(GatheredVarlen(old_varlen_attn, accepted(old_varlen_attn)))


@pytest.mark.parametrize("window", [None, 1, 30, 64, 100])
@pytest.mark.parametrize(("heads", "kv_heads", "dim"), [(4, 2, 16), (9, 3, 64), (8, 8, 80), (32, 1, 128)])
def test_decode_rows_of_any_length_attend_as_by_plain_attention(heads, kv_heads, dim, window):
    lengths = [1, 64, 65, 130, 17]
    counts = [-(-length // 64) for length in lengths]
    ends = [0, *accumulate(counts)]
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randperm(ends[-1], generator=generator).tolist()
    rows = [
        Row(ids=[0], cached=n - 1, position=n - 1, blocks=blocks[ends[i] : ends[i + 1]]) for i, n in enumerate(lengths)
    ]
    index = paged_index(host_index(rows, 64), DEVICE, 64)
    keys, values = (torch.randn(ends[-1], 64, kv_heads, dim, generator=generator).to(DEVICE) for _ in range(2))
    query = torch.randn(len(rows), heads, dim, generator=generator).to(DEVICE)
    want = PerSequence()(query, keys, values, index, 0.3, window)
    torch.testing.assert_close(KERNEL(query, keys, values, index, 0.3, window), want, atol=1e-4, rtol=1e-3)
    turned = query.transpose(0, 1).contiguous().transpose(0, 1)  # as a model hands it over
    torch.testing.assert_close(KERNEL(turned, keys, values, index, 0.3, window), want, atol=1e-4, rtol=1e-3)


@pytest.mark.skipif(not ON_DEVICE, reason="the interpreter has no bf16")
def test_the_trial_finds_no_fault_with_it():
    assert fault(KERNEL, LayerShape(2, 64, torch.bfloat16), 8, DEVICE) is None
