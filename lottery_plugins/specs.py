"""Spec strings: how a plugin and its options are written on a command line and in YAML.

    wanda:sparsity=0.3            a name, then options after colons
    int8+wanda:sparsity=0.3       several plugins joined by plus
    acme-kv/snap                  the plugin `snap` of the distribution `acme-kv`, when two have the name
    none                          nothing, said aloud

A spec needs no shell quoting and survives the parsers of lm-eval's `--model_args`: it has no comma, space, quote or
bracket. Characters with a meaning are percent-encoded inside values (`%2B` for a plus); `write_specs` does that. A
colon before `//` or a digit separates nothing, so an address is written as it is: `base_url=http://localhost:8000/v1`.
In YAML the same may be nested: `[int8, {wanda: {sparsity: 0.3}}]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from lottery_plugins.errors import ConfigError

__all__ = [
    "RESERVED_NAMES",
    "ModelSpec",
    "PluginSpec",
    "is_plugin_name",
    "parse_model",
    "parse_specs",
    "write_specs",
]

RESERVED_NAMES = frozenset({"none", "null", "true", "false", "inf", "infinity", "nan"})
"""Words that a parser between the shell and us would turn into something other than text."""

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_OPTION = re.compile(r"[a-z_][a-z0-9_]*")
_SEPARATOR = re.compile(r":(?!//|[0-9])")  # no option's name begins like this, addresses do
_SAFE = "/.@-"  # beside letters, digits and the underscore: harmless in a shell, in lm-eval's parsers, and here


def is_plugin_name(name: str) -> bool:
    """Whether a name is short, lower case, hyphenated, and not a word that parsers turn into something else."""
    return _NAME.fullmatch(name) is not None and name not in RESERVED_NAMES


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One plugin as the user wrote it; option values are still text (or plain YAML values).

    Attributes:
        name: The plugin's name.
        distribution: Set when the user wrote `distribution/name`.
        options: (option, value) in the order written.
    """

    name: str
    distribution: str = ""
    options: tuple[tuple[str, object], ...] = ()

    @property
    def full_name(self) -> str:
        """`distribution/name`, or the name alone."""
        return f"{self.distribution}/{self.name}" if self.distribution else self.name

    def __str__(self) -> str:
        return write_specs([self])


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model beside the one under test as the user wrote it: `HuggingFaceTB/SmolLM2-135M-Instruct:dtype=float32`.

    Attributes:
        pretrained: A folder, or the model's name on the hub.
        options: (option, value) in the order written.
    """

    pretrained: str
    options: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return ":".join([_encode(self.pretrained), *(f"{key}={_encode(value)}" for key, value in self.options)])


def parse_model(value: object, where: str) -> ModelSpec | None:
    """Read a model's name or folder with its options; None for None, "" and "none".

    Raises:
        ConfigError: The value is no model.
    """
    if value is None or value is False or value in ("", "none"):
        return None
    if isinstance(value, Mapping) and isinstance(value.get("pretrained"), str):
        options = tuple((str(key), item) for key, item in value.items() if key != "pretrained")
        return _checked_model(ModelSpec(value["pretrained"], options), where, dict(value))
    if not isinstance(value, str):
        raise ConfigError(where, value, "a model's name or folder like 'org/name:dtype=float32'")
    name, *items = _SEPARATOR.split(value)
    return _checked_model(ModelSpec(unquote(name), tuple(_pair(item, where, value) for item in items)), where, value)


def parse_specs(value: object, where: str) -> tuple[PluginSpec, ...]:
    """Read one setting into specs.

    Args:
        value: Text ("a+b:x=1"), a list of texts and mappings, a mapping {name: {option: value}}, or None.
        where: The setting's name for error messages.

    Returns:
        The specs in the order written; () for None, "" and "none".

    Raises:
        ConfigError: The value is not a spec.
    """
    if value is None or value is False or value in ("", "none"):
        return ()
    if isinstance(value, str):
        return tuple(_parse_one(part, where, value) for part in value.split("+"))
    if isinstance(value, Mapping):
        return tuple(_from_mapping(str(name), options, where) for name, options in value.items())
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return tuple(spec for item in value for spec in parse_specs(item, where))
    raise ConfigError(where, value, "text like 'name:option=value+other', a list of such, or a mapping")


def write_specs(specs: Sequence[PluginSpec]) -> str:
    """The spec string of some specs; `parse_specs` reads it back."""
    return "+".join(
        ":".join([spec.full_name, *(f"{key}={_encode(value)}" for key, value in spec.options)]) for spec in specs
    )


def _encode(value: object) -> str:
    words: dict[object, str] = {"True": "true", "False": "false", "None": "null"}
    text = str(value)
    written = quote(text if isinstance(value, str) else words.get(text, text), safe=_SAFE)
    return written.replace("~", "%7E")  # a shell may expand it, and `quote` leaves it alone


def _parse_one(text: str, where: str, whole: str) -> PluginSpec:
    name, *options = _SEPARATOR.split(text)
    distribution, slash, bare = name.rpartition("/")
    pairs = tuple(_pair(item, where, whole) for item in options)
    return _checked(PluginSpec(bare, distribution, pairs), where, whole, slash=bool(slash))


def _pair(item: str, where: str, whole: str) -> tuple[str, object]:
    key, equals, value = item.partition("=")
    if not equals:
        raise ConfigError(where, whole, f"'name:option=value'; {item!r} has no '='")
    return key, unquote(value)


def _from_mapping(name: str, options: object, where: str) -> PluginSpec:
    if options is None:
        options = {}
    if not isinstance(options, Mapping):
        raise ConfigError(f"{where}.{name}", options, "a mapping of options")
    distribution, slash, bare = name.rpartition("/")
    pairs = tuple((str(key), value) for key, value in options.items())
    return _checked(PluginSpec(bare, distribution, pairs), where, {name: dict(options)}, slash=bool(slash))


def _checked(spec: PluginSpec, where: str, whole: object, *, slash: bool) -> PluginSpec:
    if not is_plugin_name(spec.name):
        raise ConfigError(
            where, whole, f"plugin names of lower-case letters, digits and hyphens; {spec.name!r} is none"
        )
    if slash and not _DISTRIBUTION.fullmatch(spec.distribution):
        raise ConfigError(where, whole, f"'distribution/name'; {spec.distribution!r} is no distribution name")
    _check_options([key for key, _ in spec.options], where, whole)
    return spec


def _checked_model(spec: ModelSpec, where: str, whole: object) -> ModelSpec:
    if not spec.pretrained.strip():
        raise ConfigError(where, whole, "a model's name or folder before its options")
    _check_options([key for key, _ in spec.options], where, whole)
    return spec


def _check_options(keys: Sequence[str], where: str, whole: object) -> None:
    for key in keys:
        if not _OPTION.fullmatch(key):
            raise ConfigError(where, whole, f"option names like 'top_k'; {key!r} is none")
        if keys.count(key) > 1:
            raise ConfigError(where, whole, f"each option once; {key!r} is there {keys.count(key)} times")
