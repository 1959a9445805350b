"""Settings of a generated task, read from lm-eval's `--metadata`.

lm-eval mixes `--metadata`, `--model_args` and the YAML's own metadata into one mapping, so a knob's name must belong to
no model: `data_seed` and not `seed` (which vLLM takes), and every other knob starts with its family's name. Keys of
strangers are ignored; a key that starts like ours and is not one is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, TypeVar

from lottery_plugins.errors import ConfigError, suggest

__all__ = ["TaskKnobs", "knob", "read_knobs", "words_knob"]

K = TypeVar("K", bound="TaskKnobs")


def knob(
    default: int | float | tuple[int, ...] | tuple[float, ...], low: float, high: float, *, is_graded: bool = True
) -> Any:
    """A dataclass field that is a knob; a tuple takes one value or several, each in [low, high].

    Args:
        default: The value, or the values, which documents walk through.
        low: The least allowed.
        high: The most allowed.
        is_graded: Whether the first of several values makes the easiest documents.
    """
    return field(default=default, metadata={"low": low, "high": high, "is_graded": is_graded})


def words_knob(default: tuple[str, ...], allowed: tuple[str, ...] | None = None, *, is_graded: bool = False) -> Any:
    """A dataclass field that is a knob and takes one or several of the allowed words; None allows the default's.

    `is_graded`: as in `knob`.
    """
    return field(default=default, metadata={"words": allowed or default, "is_graded": is_graded})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKnobs:
    """Knobs that every generated task has.

    Attributes:
        num_docs: Documents of the test split.
        data_seed: Another seed gives other documents of the same kind.
        easiest: 1 leaves of every graded knob its first value alone, which makes the easiest documents.
    """

    num_docs: int = knob(200, 1, 1_000_000)
    data_seed: int = knob(0, 0, 2**63 - 1)
    easiest: int = knob(0, 0, 1)


def read_knobs(kind: type[K], family: str, metadata: Mapping[str, Any]) -> K:
    """The knobs of a family, with what the user wrote.

    Args:
        kind: The family's dataclass of knobs.
        family: Prefix of the family's own knobs, e.g. "needle".
        metadata: What lm-eval passes to a custom data set.

    Raises:
        ConfigError: A value is not allowed, or a key starts with `family_` and is no knob.
    """
    known = {f.name: f for f in fields(kind)}
    for key in metadata:
        if key.startswith(f"{family}_") and key not in known:
            raise ConfigError(f"metadata: {key}", metadata[key], f"one of {', '.join(known)}", suggest(key, known))
    knobs = kind(**{name: _parse(f, metadata[name]) for name, f in known.items() if name in metadata})
    return replace(knobs, **_first_levels(knobs)) if knobs.easiest else knobs


def _first_levels(knobs: TaskKnobs) -> dict[str, Any]:
    """The first value of each graded knob, as a tuple of one."""
    levels = {f.name: getattr(knobs, f.name) for f in fields(knobs) if f.metadata["is_graded"]}
    return {name: values[:1] for name, values in levels.items() if isinstance(values, tuple)}


def _parse(spec: Field[Any], got: object) -> Any:
    """The value of one knob, checked; lists may be written as JSON lists or as "256+512"."""
    if not isinstance(spec.default, tuple):
        return _number(spec, got, got)
    parts: Sequence[object] = (
        got.split("+") if isinstance(got, str) else got if isinstance(got, (list, tuple)) else (got,)
    )
    if not parts:
        raise ConfigError(f"metadata: {spec.name}", got, "at least one value")
    return tuple((_word if "words" in spec.metadata else _number)(spec, part, got) for part in parts)


def _word(spec: Field[Any], part: object, got: object) -> str:
    if part not in spec.metadata["words"]:
        allowed = f"one of {', '.join(spec.metadata['words'])}, or several as a list"
        raise ConfigError(f"metadata: {spec.name}", got, allowed, suggest(str(part), spec.metadata["words"]))
    return str(part)


def _number(spec: Field[Any], part: object, got: object) -> int | float:
    first = spec.default[0] if isinstance(spec.default, tuple) else spec.default
    number = float if isinstance(first, float) else int
    low, high = spec.metadata["low"], spec.metadata["high"]
    allowed = f"{'a number' if number is float else 'a whole number'} in [{low}, {high}]"
    if isinstance(spec.default, tuple):
        allowed += ", or several as a list"
    try:
        value = number(part) if isinstance(part, (int, float, str)) and not isinstance(part, bool) else None
    except (ValueError, OverflowError):
        value = None
    is_changed = number is int and isinstance(part, float) and value != part
    if value is None or is_changed or not low <= value <= high:
        raise ConfigError(f"metadata: {spec.name}", got, allowed)
    return value
