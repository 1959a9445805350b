"""What every plugin of every kind keeps.

from lottery_plugins.testing.contracts.plugin import check_plugin

def test_contract():
    check_plugin(MyTool)
"""

from __future__ import annotations

import dataclasses
import pickle
import re
import types
import typing
from typing import Any

__all__ = ["NAME", "RESERVED_NAMES", "check_plugin"]

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RESERVED_NAMES = frozenset({"true", "false", "none", "null", "inf", "infinity", "nan"})
"""Words that lm-eval's own argument parser turns into values."""

OPTION_TYPES = (bool, int, float, str)


def check_plugin(cls: type, **options: Any) -> None:
    """Check the class and its options.

    Args:
        cls: A plugin class of any kind.
        options: Values for the options that have no default.

    Raises:
        AssertionError: With what is wrong and what is wanted.
    """
    _check_class(cls)
    types_by_name = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        _check_option(cls, field, types_by_name[field.name])
    _check_instances(cls, options)


def _check_class(cls: type) -> None:
    label = f"plugin class {cls.__name__}"
    assert dataclasses.is_dataclass(cls), f"{label} is no dataclass; write @dataclass(frozen=True)"
    assert cls.__dataclass_params__.frozen, f"{label} can be changed; write @dataclass(frozen=True)"  # type: ignore[attr-defined]
    name = getattr(cls, "name", None)
    assert isinstance(name, str), f"{label} has no name; write name: ClassVar[str] = '...'"
    assert NAME.fullmatch(name), f"{label} is named {name!r}; wanted are lower-case words joined by hyphens"
    assert name not in RESERVED_NAMES, f"{label} is named {name!r}, which lm-eval reads as a value; choose another"
    summary = getattr(cls, "summary", None)
    assert isinstance(summary, str), f"{label} has no summary; write summary: ClassVar[str] = '...'"
    is_sentence = summary.endswith(".") and "\n" not in summary and ". " not in summary and summary[:1].isupper()
    assert is_sentence, f"{label} has the summary {summary!r}; wanted is one sentence that ends with a full stop"
    assert isinstance(getattr(cls, "source", ""), str), f"{label} has a source that is not text"
    for pair in getattr(cls, "requires", ()):
        is_pair = isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        assert is_pair, f"{label} requires {pair!r}; wanted is (import name, how to install it)"
    class_fields = {field.name for field in dataclasses.fields(cls)} & {"name", "summary", "source", "requires"}
    assert not class_fields, f"{label} has the options {class_fields}, which belong to the class; write ClassVar"


def _check_option(cls: type, field: dataclasses.Field[Any], annotation: Any) -> None:
    label = f"option {field.name!r} of {cls.__name__}"
    kinds = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    is_union = typing.get_origin(annotation) is typing.Union
    kinds = typing.get_args(annotation) if is_union else kinds
    plain = [kind for kind in kinds if kind is not types.NoneType]
    is_allowed = len(plain) == 1 and plain[0] in OPTION_TYPES
    assert is_allowed, f"{label} has the type {annotation}; allowed are bool, int, float, str, and each | None"
    help_text = field.metadata.get("help")
    assert isinstance(help_text, str), f"{label} has no help; declare it with option(default, 'what it does')"
    assert help_text.strip(), f"{label} has no help; declare it with option(default, 'what it does')"
    assert field.default_factory is dataclasses.MISSING, f"{label} has a default_factory; options are plain values"
    if field.default is not dataclasses.MISSING:
        is_right = (
            field.default is None if len(kinds) > 1 and field.default is None else type(field.default) is plain[0]
        )
        assert is_right, f"{label} has the default {field.default!r}, which is not of its type {annotation}"


def _check_instances(cls: type, options: dict[str, Any]) -> None:
    first, second = cls(**options), cls(**options)
    assert first == second, f"{cls.__name__} is not equal to one with the same options"
    assert hash(first) == hash(second), f"{cls.__name__} has another hash than one with the same options"
    assert pickle.loads(pickle.dumps(first)) == first, f"{cls.__name__} is not the same after pickling"
    for field in dataclasses.fields(cls):
        value = getattr(first, field.name)
        try:
            setattr(first, field.name, value)
        except dataclasses.FrozenInstanceError:
            continue
        raise AssertionError(f"{cls.__name__}.{field.name} can be changed after construction")
