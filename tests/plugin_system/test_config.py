"""Run configuration: what is ours, what is the base model's, and the fingerprint that keeps runs apart."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.config import RunConfig
from lottery_plugins.errors import ConfigError, DataError


def test_arguments_of_the_base_model_are_handed_on_untouched():
    config = RunConfig.parse({"pretrained": "a/b", "dtype": "float32", "compression": "int8", "batch_size": 4})
    assert config.base_args == {"pretrained": "a/b", "dtype": "float32", "batch_size": 4}
    assert [s.name for s in config.compression] == ["int8"]


def test_no_option_of_ours_is_a_plain_run():
    assert RunConfig.parse({"pretrained": "a"}).is_plain
    assert not RunConfig.parse({"pretrained": "a", "reasoner": "chain-of-thought"}).is_plain


def test_yaml_and_spec_strings_give_one_fingerprint():
    nested = {
        "pretrained": "a",
        "reasoner": "react",
        "compression": ["int8", {"wanda": {"sparsity": 0.3}}],
        "tools": ["calculator", "python"],
    }
    flat = {
        "pretrained": "a",
        "reasoner": "react",
        "compression": "int8+wanda:sparsity=0.3",
        "tools": "calculator+python",
    }
    assert RunConfig.parse(nested).fingerprint() == RunConfig.parse(flat).fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        {"compression": "int4"}, {"reasoner": "react"}, {"tools": "python"}, {"tools": "python+calculator"},
        {"retriever": "bm25:top_k=2"}, {"memory": "scratchpad"}, {"base": "dummy"}, {"dtype": "bfloat16"},
        {"max_calls": 3}, {"pretrained": "b"}, {"max_new_tokens": 5}, {"engine": "rounds"}, {"engine": "packed"},
        {"engine": "packed:block_size=32"}, {"prompt_truncation": "left"}, {"tool_timeout_s": 5},
        {"evidence": "shuffled"},
    ],
)  # fmt: skip
def test_whatever_changes_an_answer_changes_the_fingerprint(change):
    first = {"pretrained": "a", "reasoner": "direct", "tools": "calculator+python", "retriever": "bm25"}
    assert RunConfig.parse(first).fingerprint() != RunConfig.parse({**first, **change}).fingerprint()


@pytest.mark.parametrize(
    "change", [{"batch_size": 8}, {"max_live": 3}, {"max_failed": 2}, {"engine": "auto"}, {"tool_workers": 2}]
)
def test_how_the_work_is_cut_up_does_not_change_the_fingerprint(change):
    assert (
        RunConfig.parse({"pretrained": "a"}).fingerprint()
        == RunConfig.parse({"pretrained": "a", **change}).fingerprint()
    )


@pytest.mark.parametrize("option", ["threads=2", "kv_cache_gb=1", "max_step_tokens=64"])
def test_how_an_engine_cuts_the_work_up_does_not_change_the_fingerprint(option):
    plain, cut = (RunConfig.parse({"engine": engine}) for engine in ("packed", f"packed:{option}"))
    assert plain.fingerprint() == cut.fingerprint()
    assert cut.describe()["engine"] == f"packed:{option}"


def test_base_model_is_untouched_only_without_anything_of_ours():
    assert RunConfig.parse({"pretrained": "a"}).is_untouched
    assert RunConfig.parse({"pretrained": "a", "engine": "rounds"}).is_untouched
    for ours in ({"engine": "packed"}, {"compression": "int8"}, {"reasoner": "react"}):
        assert not RunConfig.parse({"pretrained": "a", **ours}).is_untouched


def test_versions_and_file_contents_are_part_of_the_fingerprint(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_text("1")
    config = RunConfig.parse({"pretrained": str(folder)})
    before = config.fingerprint({"torch": "1"})
    assert before != config.fingerprint({"torch": "2"})
    (folder / "model.safetensors").write_text("22")
    assert before != config.fingerprint({"torch": "1"})


def test_a_folder_that_a_retriever_is_given_is_part_of_the_fingerprint(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    config = RunConfig.parse({"reasoner": "react", "retriever": f"bm25+dense:model={tmp_path}"})
    before = config.fingerprint()
    (tmp_path / "config.json").write_text('{"layers": 6}')
    assert before != config.fingerprint()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"reasoner": "direct+react"}, "one reasoner"),
        ({"memory": "scratchpad+vector"}, "one memory"),
        ({"max_calls": 0}, "at least 1"),
        ({"max_calls": 2.5}, "whole number"),
        ({"max_seconds": -1}, "above 0"),
        ({"resume": "maybe"}, "true or false"),
        ({"max_live": True}, "whole number"),
        ({"engine": "paked"}, "Did you mean 'packed'"),
        ({"engine": "packed+vllm"}, "one engine"),
        ({"engine": "other/packed"}, "one of auto"),
        ({"prompt_truncation": "right"}, "none, left"),
        ({"tool_timeout_s": 0}, "seconds in"),
        ({"tool_timeout_s": float("nan")}, "seconds in"),
        ({"tool_timeout_s": "5"}, "seconds in"),
        ({"tool_workers": -1}, "at least 0"),
    ],
)
def test_bad_setting_is_named(arguments, told):
    with pytest.raises(ConfigError, match=told) as caught:
        RunConfig.parse(arguments)
    assert next(iter(arguments)) in str(caught.value)


@pytest.mark.parametrize("name", ["tools", "retriever", "memory", "verifier"])
def test_help_without_a_reasoner_is_refused_and_with_direct_is_meant(name):
    with pytest.raises(ConfigError, match="without a reasoner"):
        RunConfig.parse({"pretrained": "a", name: "something"})
    assert RunConfig.parse({"pretrained": "a", name: "something", "reasoner": "direct"}).is_plain


def test_knowledge_base_needs_a_file_and_a_retriever(tmp_path):
    with pytest.raises(DataError, match="is not a file"):
        RunConfig.parse({"knowledge_base": str(tmp_path / "none.jsonl"), "retriever": "bm25", "reasoner": "react"})
    (tmp_path / "kb.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(ConfigError, match="retriever=bm25"):
        RunConfig.parse({"knowledge_base": str(tmp_path / "kb.jsonl")})


@given(
    st.dictionaries(
        st.sampled_from(["compression", "tools", "reasoner", "max_calls", "base", "engine"]), st.text(max_size=12)
    )
)
def test_any_text_parses_or_is_a_config_error(arguments):
    with contextlib.suppress(ConfigError):
        RunConfig.parse(arguments)
