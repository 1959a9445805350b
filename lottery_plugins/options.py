"""From a plugin class and what the user wrote to an instance with typed, checked options."""

from __future__ import annotations

import importlib.util
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from lottery_plugins.errors import ConfigError, MissingExtraError, suggest

__all__ = ["OptionInfo", "build_plugin", "check_requirements", "describe_options", "missing_requirements"]

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """One option of a plugin, for `lottery plugins show` and for reading values.

    Attributes:
        name: As written in a spec string.
        type: One of bool, int, float, str.
        optional: Whether `null` is allowed.
        default: Its default; `dataclasses.MISSING` when it must be written.
        help: What it does.
        unit: "" for none.
        allowed: The allowed values in words; "" for any of the type.
    """

    name: str
    type: type
    optional: bool
    default: Any
    help: str
    unit: str
    allowed: str

    @property
    def type_name(self) -> str:
        """The type in words."""
        return self.type.__name__ + (" or null" if self.optional else "")

    def read(self, value: object, where: str) -> object:
        """Turn text or a YAML value into the option's type.

        Raises:
            ConfigError: The value is of another type.
        """
        if self.optional and (value is None or value in ("null", "none", "None")):
            return None
        try:
            return _READERS[self.type](value)
        except (ValueError, TypeError, OverflowError):
            allowed = f"{self.type_name}{f' in {self.allowed}' if self.allowed else ''}"
            raise ConfigError(where, value, allowed, self.help and f"It is: {self.help}.") from None


def _read_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    raise ValueError


def _read_int(value: object) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return int(value)  # type: ignore[call-overload, no-any-return]


def _read_float(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)  # type: ignore[arg-type]


def _read_str(value: object) -> str:
    if isinstance(value, (list, dict, type(None))):
        raise ValueError
    return str(value)


_READERS: Mapping[type, Any] = {bool: _read_bool, int: _read_int, float: _read_float, str: _read_str}


def describe_options(cls: type) -> tuple[OptionInfo, ...]:
    """The options of a plugin class, in the order of its fields.

    Raises:
        TypeError: The class is not a dataclass, or a field has a type that no user could write.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__qualname__} is not a dataclass, so its options can't be read")
    hints = typing.get_type_hints(cls)
    found = []
    for field in fields(cls):
        if not field.init:
            continue
        base, optional = _base_type(hints[field.name])
        if base not in _READERS:
            raise TypeError(
                f"{cls.__qualname__}.{field.name} has type {hints[field.name]}; allowed are bool, int, float, str, None"
            )
        default = field.default if field.default_factory is MISSING else field.default_factory()
        meta = field.metadata
        found.append(
            OptionInfo(
                field.name, base, optional, default, meta.get("help", ""), meta.get("unit", ""), meta.get("allowed", "")
            )
        )
    return tuple(found)


def _base_type(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) is typing.Literal:
        return type(typing.get_args(hint)[0]), False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kept = [a for a in typing.get_args(hint) if a is not type(None)]
        if len(kept) == 1:
            return kept[0], len(kept) < len(typing.get_args(hint))
    return hint, False


def build_plugin(cls: type, options: Mapping[str, object], where: str) -> Any:
    """Make an instance from what the user wrote.

    Args:
        cls: A plugin class.
        options: Option name to text or YAML value.
        where: The spec as written, for error messages.

    Raises:
        ConfigError: An unknown or missing option, or a value outside what is allowed.
    """
    known = {info.name: info for info in describe_options(cls)}
    values: dict[str, object] = {}
    for key, value in options.items():
        if key not in known:
            raise ConfigError(
                where, key, f"one of its options: {', '.join(known) or 'it has none'}", suggest(key, known).strip()
            )
        values[key] = known[key].read(value, f"{where}.{key}")
    for info in known.values():
        if info.default is MISSING and info.name not in values:
            raise ConfigError(where, dict(options), f"a value for {info.name!r} ({info.help}), which has no default")
    return cls(**values)


def missing_requirements(cls: type) -> list[tuple[str, str]]:
    """(import name, how to install it) of each library that a plugin class declares and that is not there.

    A class declares them as `requires = (("import_name", "pip install distribution"), ...)`. Nothing is imported.
    """
    declared: tuple[tuple[str, str], ...] = getattr(cls, "requires", ())
    return [(module, install) for module, install in declared if importlib.util.find_spec(module) is None]


def check_requirements(cls: type, full_name: str) -> None:
    """Check that the libraries a plugin declares are installed.

    Raises:
        MissingExtraError: One is not.
    """
    for module, install in missing_requirements(cls):
        raise MissingExtraError(full_name, module, install)
