"""The runs that docs/ shows are what our parser reads, with options that the engines have."""

import re
from pathlib import Path

import pytest
from lm_eval.models.huggingface import HFLM

from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover
from lottery_plugins.errors import LotteryError
from lottery_plugins.harness.base_model import check_base_arguments
from lottery_plugins.harness.engines import _options_class
from lottery_plugins.options import build_plugin

DOCS = Path(__file__).resolve().parents[2] / "docs"
ARGUMENTS = [
    (page.name, found)
    for page in sorted(DOCS.glob("*.md"))
    if page.name != "add-a-compression-method.md"  # whose commands are really run, by the test beside this one
    for found in re.findall(r"--model_args (\S+)", page.read_text(encoding="utf-8"))
]
OF_VLLM = {"dtype", "tensor_parallel_size", "gpu_memory_utilization", "max_model_len"}


def arguments(text):
    pairs = dict(part.split("=", 1) for part in text.split(","))
    return {name: True if value == "True" else value for name, value in pairs.items() if name != "budget_of"}


@pytest.mark.parametrize(("page", "text"), ARGUMENTS)
def test_run_of_a_page_is_read_and_its_plugins_have_these_options(page, text):
    config, registry = RunConfig.parse(arguments(text)), discover()
    for kind, specs in (("compression", config.compression), ("tool", config.tools), ("reasoner", (config.reasoner,))):
        for spec in specs:
            registry.create(kind, spec)
    if config.engine.name != "auto":
        build_plugin(_options_class(config.engine.name), dict(config.engine.options), "engine")
    elif config.base == "hf":
        base_args = {name: value for name, value in config.base_args.items() if name != "pretrained"}
        check_base_arguments(HFLM, "hf", base_args)
    else:
        assert set(config.base_args) <= {"pretrained", *OF_VLLM}


def test_a_misspelt_option_would_be_noticed():
    with pytest.raises(LotteryError):
        test_run_of_a_page_is_read_and_its_plugins_have_these_options("", "pretrained=m,engine=vllm:tensor_paralel=2")


def test_the_pages_have_such_runs():
    assert {page for page, _ in ARGUMENTS} == {"large-models.md", "reading-a-verdict.md"}
