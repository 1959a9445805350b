"""A model beside the one under test, as the user writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.config import RunConfig
from lottery_plugins.errors import ConfigError
from lottery_plugins.specs import ModelSpec, parse_model

OPTIONS = st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), st.text(max_size=12), max_size=3)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("org/name", ModelSpec("org/name")),
        ("/a/b:dtype=float32:max_length=5", ModelSpec("/a/b", (("dtype", "float32"), ("max_length", "5")))),
        ({"pretrained": "org/name", "dtype": "auto"}, ModelSpec("org/name", (("dtype", "auto"),))),
        (None, None), ("", None), ("none", None), (False, None),
    ],
)  # fmt: skip
def test_a_model_is_read_as_written(text, spec):
    assert parse_model(text, "proxy_model") == spec


@given(st.text(min_size=1, max_size=20).filter(lambda name: name.strip() and name != "none"), OPTIONS)
def test_a_model_reads_back_what_it_writes(name, options):
    spec = ModelSpec(name, tuple(options.items()))
    if str(spec) != "none":
        assert parse_model(str(spec), "proxy_model") == spec


@pytest.mark.parametrize("value", [3, ["a"], {"dtype": "auto"}, "a:b", "a:x=1:x=2", "a:X=1", " :x=1"])
def test_what_is_no_model_is_refused(value):
    with pytest.raises(ConfigError, match="proxy_model"):
        parse_model(value, "proxy_model")


def test_proxy_and_number_of_tools_are_part_of_a_runs_description_and_name():
    plain = RunConfig.parse({"reasoner": "react"})
    helped = RunConfig.parse({"reasoner": "react", "proxy_model": "org/name:dtype=auto"})
    fewer = RunConfig.parse({"reasoner": "react", "max_tools": 3})
    assert helped.describe()["proxy_model"] == "org/name:dtype=auto"
    assert fewer.describe()["max_tools"] == 3
    assert len({config.fingerprint() for config in (plain, helped, fewer)}) == 3


def test_a_changed_verifier_file_names_another_run(tmp_path):
    file = tmp_path / "v.json"
    file.write_text("1")
    config = RunConfig.parse({"reasoner": "react", "verifier": f"hidden-state:file={file}"})
    before = config.fingerprint()
    file.write_text("22")
    assert config.fingerprint() != before
