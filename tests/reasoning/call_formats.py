"""Tool calls as models write them: one function per format, from calls to the text."""

import json


def _objects(calls, arguments="arguments", **dumps):
    return [json.dumps({"name": c.tool, arguments: dict(c.arguments)}, **dumps) for c in calls]


def _openai(calls):
    functions = [{"name": c.tool, "arguments": json.dumps(dict(c.arguments))} for c in calls]
    items = [{"id": f"call_{i}", "type": "function", "function": f} for i, f in enumerate(functions)]
    return json.dumps({"role": "assistant", "tool_calls": items})


def _python(calls):
    written = [f"{c.tool}({', '.join(f'{k}={v!r}' for k, v in c.arguments.items())})" for c in calls]
    return f"[{', '.join(written)}]"


def elements(call):
    """Qwen3-Coder's format, which has no quotes: only a tool's description tells text from numbers."""
    written = {k: v if isinstance(v, str) else json.dumps(v) for k, v in call.arguments.items()}
    body = "".join(f"<parameter={k}>\n{v}\n</parameter>\n" for k, v in written.items())
    return f"<tool_call>\n<function={call.tool}>\n{body}</function>\n</tool_call>"


def _action_input(call):
    return f"Thought: so\nAction: {call.tool}\nAction Input: {json.dumps(dict(call.arguments), ensure_ascii=False)}"


def _lines(write):
    return lambda calls: "\n".join(write(call) for call in calls)


def _deepseek(call):
    text = f"<|tool_call_begin|>function<|tool_sep|>{call.tool}\n```json\n{json.dumps(dict(call.arguments))}\n```"
    return text.replace("|", "\uff5c", 4).replace("_", "\u2581", 3)


FORMATS = {
    "json list": lambda calls: f"[{', '.join(_objects(calls))}]",
    "json objects": lambda calls: "\n".join(_objects(calls, "parameters", ensure_ascii=False)),
    "fenced": lambda calls: "\n".join(f"```json\n{o}\n```" for o in _objects(calls, indent=2)),
    "openai": _openai,
    "python dict": lambda calls: repr([{"name": c.tool, "arguments": dict(c.arguments)} for c in calls]),
    "hermes": lambda calls: "\n".join(f"<tool_call>\n{o}\n</tool_call>" for o in _objects(calls)),
    "one tag": lambda calls: "<tool_call>" + "\n".join(_objects(calls, "args")) + "</tool_call>",
    "llama 3": lambda calls: "<|python_tag|>" + "; ".join(_objects(calls, "parameters")) + "<|eom_id|>",
    "llama 3.1": _lines(lambda c: f"<function={c.tool}>{json.dumps(dict(c.arguments))}</function>"),
    "mistral": lambda calls: f"[TOOL_CALLS][{', '.join(_objects(calls))}]</s>",
    "mistral v11": lambda calls: "".join(f"[TOOL_CALLS]{c.tool}[ARGS]{json.dumps(dict(c.arguments))}" for c in calls),
    "gpt-oss": _lines(
        lambda c: (
            f"<|channel|>commentary to=functions.{c.tool} <|constrain|>json<|message|>"
            f"{json.dumps(dict(c.arguments))}<|call|>"
        )
    ),
    "kimi": lambda calls: "".join(
        f"<|tool_call_begin|>functions.{c.tool}:{i}<|tool_call_argument_begin|>{json.dumps(dict(c.arguments))}"
        "<|tool_call_end|>"
        for i, c in enumerate(calls)
    ),
    "deepseek": _lines(_deepseek),
    "python": _python,
    "lfm2": lambda calls: f"<|tool_call_start|>{_python(calls)}<|tool_call_end|>",
    "react json": _lines(lambda c: f"Action: {c.tool}[{json.dumps(dict(c.arguments))}]"),
    "react object": _lines(lambda c: f"Thought: so\nAction: {_objects([c])[0]}"),
    "react input": _lines(_action_input),
}
"""Name of the format -> how several calls are written in it."""
