"""What a server answered, as the model sees it."""

from __future__ import annotations

import json
from typing import Any

from lottery_plugins.errors import ToolError
from lottery_plugins.trajectory import ToolResult

__all__ = ["as_result"]


def as_result(tool: str, answer: Any, server: str, max_chars: int) -> ToolResult:
    """The text of a `CallToolResult`: its text blocks, or else its structured content; other blocks are named.

    Raises:
        ToolError: The server says that the call failed.
    """
    parts = [_block(block) for block in answer.content]
    if not parts and answer.structured_content is not None:
        parts = [json.dumps(answer.structured_content, ensure_ascii=False, default=str)]
    text = _cut("\n".join(parts).encode("utf-8", "replace").decode("utf-8"), max_chars)
    if answer.is_error:
        raise ToolError(tool, text.strip().rstrip(".") or "the call failed", category="domain")
    return ToolResult(text or "(no content)", ran_in=server)


def _block(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "resource":
            text = getattr(block.resource, "text", None)
            return str(text) if text is not None else f"[resource {block.resource.uri}]"
        case "resource_link":
            return f"[resource {block.name}: {block.uri}]"
        case "image" | "audio":
            return f"[{block.type} {block.mime_type}, {len(block.data) * 3 // 4} bytes]"
    return f"[{block.type}]"


def _cut(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else f"{text[:max_chars]}\n[cut: {len(text)} characters in all]"
