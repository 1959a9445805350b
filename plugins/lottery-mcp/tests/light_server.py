"""An MCP server over stdio without any library, so that it starts at once: `python -I -S light_server.py`."""

import json
import os
import sys
import time


def schema(**properties):
    """Of a tool whose arguments are all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TOOLS = {
    "add": ("Adds two numbers.", schema(a={"type": "integer"}, b={"type": "integer"})),
    "echo": ("Says it again.", schema(text={"type": "string"})),
    "process": ("Tells the server's process.", schema()),
    "block": ("Hangs the whole server.", schema(seconds={"type": "number"})),
    "end": ("Ends the server in the middle of a call.", schema()),
    "garble": ("Answers what is no result.", schema()),
}
OFFERED = sys.argv[1].split(",") if len(sys.argv) > 1 else list(TOOLS)


def called(name, given):
    """The text that a tool gives."""
    match name:
        case "add":
            return str(given["a"] + given["b"])
        case "echo":
            return given["text"] + ""
        case "process":
            return str(os.getpid())
        case "block":
            time.sleep(given["seconds"])
        case "end":
            os._exit(3)
    return ""


def answer(method, params):
    """The result of a request."""
    if method == "initialize":
        info = {"name": "light", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":  # a page for each tool
        at = int(params.get("cursor", 0))
        text, input_schema = TOOLS[OFFERED[at]]
        page = {"tools": [{"name": OFFERED[at], "description": text, "inputSchema": input_schema}]}
        return page | ({"nextCursor": str(at + 1)} if at + 1 < len(OFFERED) else {})
    if method == "tools/call":
        if params["name"] == "garble":
            return {"content": 5}
        try:
            text = called(params["name"], params.get("arguments", {}))
        except TypeError as error:
            return {"content": [{"type": "text", "text": str(error)}], "isError": True}
        return {"content": [{"type": "text", "text": text}]}
    raise KeyError(method)


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    reply = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        reply["result"] = answer(request["method"], request.get("params") or {})
    except KeyError as error:
        reply["error"] = {"code": -32601, "message": f"no method {error}"}
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
