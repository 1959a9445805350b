"""What a compressed checkpoint says of itself: `lottery.json` for programs, `README.md` for people.

Both depend on the model, the methods and the versions alone: no time, no place. Names come from the user or a hub, so
nothing in them is markup.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lottery_plugins.compression.apply import MethodRecord
    from lottery_plugins.compression.sizes import StoredBytes

__all__ = ["RECORD_SCHEMA", "Card"]

RECORD_SCHEMA = 1
_LIBRARIES = ("lottery-plugins", "torch", "transformers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How a checkpoint was made.

    Attributes:
        base_model: The original, as the user named it.
        revision: Its commit on the hub; "" for a folder.
        compression: The spec.
        dtype: Type it was loaded in, as the user wrote it.
        methods: With all options, in the order they were applied.
        text: Calibration text that the user named for all methods; "" for none.
        calibration: Where calibration text came from; "" when none was used.
        before: Bytes of the original's weights.
        after: Bytes of the compressed weights.
        is_plain: Whether transformers reads it without this package.
    """

    base_model: str
    revision: str
    compression: str
    dtype: str
    methods: Sequence[MethodRecord]
    text: str
    calibration: str
    before: StoredBytes
    after: StoredBytes
    is_plain: bool

    @property
    def command(self) -> str:
        """Makes the same checkpoint again."""
        words = ["lottery", "compress", self.base_model, "--compression", self.compression, "--dtype", self.dtype]
        words += ["--calibration", self.text] if self.text else []
        return f"{shlex.join(words)} --out DIR"

    def to_json(self) -> dict[str, Any]:
        """For lottery.json, schema first."""
        data = asdict(self)
        for name in ("before", "after"):
            data[name]["note"] = getattr(self, name).note
        return {"schema": RECORD_SCHEMA, **data, "command": self.command, "versions": _versions()}

    def files(self) -> Mapping[str, str]:
        """Content by file name."""
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n"
        return {"lottery.json": text, "README.md": self.to_markdown()}

    def to_markdown(self) -> str:
        """The model card, with front matter as the Hugging Face hub reads it."""
        name = _safe(self._short_name())
        lines = ["---", "library_name: transformers", "tags:", "- compressed", "- lottery-plugins"]
        if self.revision:
            lines += [f"base_model: {json.dumps(self.base_model)}", "base_model_relation: quantized"]
        lines += ["---", "", f"# {name}, compressed: {_safe(self.compression)}", ""]
        lines += [
            f"Made from {_safe(self.base_model)} by [lottery-plugins](https://pypi.org/project/lottery-plugins/):"
        ]
        lines += ["", *_code(self.command), ""]
        for method in self.methods:
            options = ", ".join(f"{key}={value}" for key, value in method.options.items()) or "no options"
            lines.append(f"- {_safe(method.name)}: {_safe(options)}")
        lines += [f"- calibration text: {_safe(self.calibration or 'none')}", "", *self._sizes(), "", *self._use()]
        versions = ", ".join(f"{library} {version}" for library, version in _versions().items())
        return "\n".join([*lines, "", f"Versions: {_safe(versions)}."]) + "\n"

    def _short_name(self) -> str:
        return Path(self.base_model).name or self.base_model

    def _sizes(self) -> list[str]:
        rows = [("all weights", "total"), ("without embeddings", "other"), ("nominal", "nominal")]
        lines = ["| bytes | original | compressed | ratio |", "|---|---|---|---|"]
        for label, field in rows:
            before, after = getattr(self.before, "total" if field == "nominal" else field), getattr(self.after, field)
            lines.append(f"| {label} | {before:,} | {after:,} | {after / before if before else 0:.3f} |")
        note = self.after.note or "nominal and stored bytes are the same"
        return [*lines, "", f"Stored bytes are counted, not computed; {note}."]

    def _use(self) -> list[str]:
        if self.is_plain:
            return ["A plain checkpoint: `AutoModelForCausalLM.from_pretrained` reads it."]
        return [
            "Where lottery-plugins is installed (`pip install lottery-plugins`), `from_pretrained` reads it, and so do",
            "`--model lottery` and `--model hf` of lm-eval. Elsewhere transformers ends with an error.",
        ]


def _versions() -> dict[str, str]:
    """Versions of what the bytes depend on."""
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:  # a checkout that is not installed
            found[library] = "unknown"
    return found


def _safe(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    for char in "\\`*_{}[]#|!~":
        text = text.replace(char, f"\\{char}")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())


def _code(text: str) -> list[str]:
    """An indented block, which nothing in the text can end."""
    return [f"    {line}" for line in text.splitlines()]
