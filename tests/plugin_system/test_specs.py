"""Spec strings: they read back, and survive every parser between the shell and us."""

import argparse
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval._cli.utils import MergeDictAction
from lm_eval.utils import simple_parse_args_string

from lottery_plugins.errors import ConfigError
from lottery_plugins.specs import PluginSpec, is_plugin_name, parse_specs, write_specs

names = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4}){0,2}", fullmatch=True).filter(is_plugin_name)
distributions = st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True))
option_names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
values = st.text(max_size=20)
specs = st.builds(
    PluginSpec,
    names,
    distributions,
    st.lists(st.tuples(option_names, values), max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
)


def parse_as_lm_eval(*words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_args", nargs="+", action=MergeDictAction, default={})
    return parser.parse_args(["--model_args", *words]).model_args


@given(st.lists(specs, min_size=1, max_size=4))
def test_written_specs_read_back(many):
    assert parse_specs(write_specs(many), "x") == tuple(many)


@given(st.lists(specs, min_size=1, max_size=4), st.lists(specs, min_size=1, max_size=2))
def test_specs_survive_lm_evals_command_line_parser(many, others):
    text = f"pretrained=/models/a,compression={write_specs(many)},tools={write_specs(others)}"
    parsed = parse_as_lm_eval(text)
    assert parse_specs(parsed["compression"], "compression") == tuple(many)
    assert parse_specs(parsed["tools"], "tools") == tuple(others)
    assert parsed["pretrained"] == "/models/a"


@given(st.lists(specs, min_size=1, max_size=4))
def test_specs_survive_lm_evals_python_parser(many):
    parsed = simple_parse_args_string(f"pretrained=a,compression={write_specs(many)},device=cpu")
    assert parse_specs(parsed["compression"], "compression") == tuple(many)


@given(st.lists(specs, min_size=1, max_size=4))
def test_specs_need_no_shell_quoting(many):
    text = write_specs(many)
    assert shlex.split(f"cmd {text} end") == ["cmd", text, "end"]
    assert not set(text) & set(" ,;&|<>()[]{}*?!$`\"'\\#~\n")


@pytest.mark.parametrize("nothing", [None, "", "none", False, [], {}])
def test_nothing_written_is_nothing(nothing):
    assert parse_specs(nothing, "tools") == ()


def test_nested_yaml_means_the_same_as_a_spec_string():
    nested = ["int8", {"wanda": {"sparsity": 0.3}}]
    assert [(s.name, [str(v) for _, v in s.options]) for s in parse_specs(nested, "x")] == [
        ("int8", []),
        ("wanda", ["0.3"]),
    ]
    assert write_specs(parse_specs(nested, "x")) == "int8+wanda:sparsity=0.3"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Wanda", "'Wanda' is none"),
        ("wanda:sparsity", "has no '='"),
        ("wanda:a=1:a=2", "'a' is there 2 times"),
        ("int8+", "'' is none"),
        ("nan", "'nan' is none"),
        ("/int8", "no distribution name"),
        (7, "text like"),
        ({"wanda": 3}, "a mapping of options"),
    ],
)
def test_bad_spec_is_named_with_what_is_allowed(text, told):
    with pytest.raises(ConfigError, match=told) as caught:
        parse_specs(text, "compression")
    assert "compression" in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_a_spec_or_a_config_error(text):
    try:
        found = parse_specs(text, "x")
    except ConfigError:
        return
    assert all(is_plugin_name(spec.name) for spec in found)
