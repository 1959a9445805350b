"""A server on loopback that speaks OpenAI's protocol as it is told to: each test says what it answers."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message


class Server:
    """What tests look at and set.

    Attributes:
        requests: (path, payload, headers) in the order in which they came.
        answer: From (path, payload) to (status, body, headers); a body that is not bytes is sent as JSON.
        busy: Requests under way; `busiest` is the most there ever were.
        delay_s: Before each answer.
        hang_up: How many of the next connections are closed without an answer.
    """

    def __init__(self):
        self.requests, self.busy, self.busiest, self.delay_s, self.hang_up = [], 0, 0, 0.0, 0
        self.answer = lambda path, payload: (200, completion("hello"), {})
        self.lock = threading.Lock()
        self.url = ""


def completion(text, *, finish_reason="stop", **usage):
    """The body of a good answer, for both paths."""
    counted = {"prompt_tokens": 10, "completion_tokens": 3, **usage}
    choice = {"index": 0, "text": text, "message": {"role": "assistant", "content": text}}
    return {
        "id": "x",
        "object": "completion",
        "choices": [{**choice, "finish_reason": finish_reason}],
        "usage": counted,
    }


@contextmanager
def running():
    """The server, on a free port, for the length of a block."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with state.lock:
                state.requests.append((self.path, payload, dict(self.headers)))
                state.busy += 1
                state.busiest = max(state.busiest, state.busy)
                hangs_up, state.hang_up = state.hang_up > 0, max(0, state.hang_up - 1)
            time.sleep(state.delay_s)
            try:
                if hangs_up:
                    self.close_connection = True
                    return
                status, body, headers = state.answer(self.path, payload)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client gave up
            finally:
                with state.lock:
                    state.busy -= 1

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(text="How long?", *, sample=0, turns=None, **config):
    """A request."""
    config = {"max_tokens": 9, **config}
    return GenerationRequest(turns or (Message("user", text),), GenerationConfig(**config), sample=sample)


def say(server, *answers):
    """Give these answers one after the other, the last one for ever."""
    left = list(answers)
    server.answer = lambda path, payload: left.pop(0) if len(left) > 1 else left[0]
