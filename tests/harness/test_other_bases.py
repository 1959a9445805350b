"""Bases other than `hf`: lm-eval's dummy, and an OpenAI-compatible server on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.model import LotteryLM

GREEDY = {"until": ["\n\n"], "do_sample": False, "max_gen_toks": 16}


def ask(prompt, doc_id=0):
    return Instance(
        request_type="generate_until", doc={}, arguments=(prompt, GREEDY), idx=0, metadata=("a_task", doc_id, 1)
    )


class ChatServer(BaseHTTPRequestHandler):
    """Answers a chat by its length, and writes a formula when asked for Python."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(body)
        chat = " ".join(turn["content"] for turn in body["messages"])
        text = "print(6 * 7)" if "python" in chat.lower() else f"heard {len(chat)}"
        payload = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
        data = json.dumps(payload).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def chat_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), ChatServer)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def over_chat(server, **ours):
    url = f"http://127.0.0.1:{server.server_address[1]}/v1/chat/completions"
    return LotteryLM(base="local-chat-completions", base_url=url, model="m", num_concurrent=1, **ours)


def test_dummy_answers_through_us():
    ours = LotteryLM(base="dummy")
    assert ours.generate_until([ask("a"), ask("b", 1)]) == ["lol", "lol"]
    assert [t.answer for t in ours.trajectories] == ["lol", "lol"]
    assert ours.trajectories[0].steps[0].prompt_tokens is None


def test_dummy_reasons_through_us():
    ours = LotteryLM(base="dummy", reasoner="chain-of-thought")
    assert len(ours.generate_until([ask("a"), ask("b", 1)])) == 2


def test_argument_that_the_dummy_does_not_take_is_refused():
    with pytest.raises(ConfigError, match="model_args: pretraind"):
        LotteryLM(base="dummy", pretraind="x")


def test_compression_needs_the_weights_in_this_process():
    with pytest.raises(ConfigError, match="not in this process"):
        LotteryLM(base="dummy", compression="int8")


def test_server_gets_the_messages_as_lm_eval_made_them(chat_server):
    ours = over_chat(chat_server)
    chat = ours.apply_chat_template([{"role": "user", "content": "hello"}])
    assert ours.generate_until([ask(chat)]) == ["heard 5"]
    assert chat_server.seen[-1]["messages"] == [{"role": "user", "content": "hello"}]
    assert ours.trajectories[0].steps[0].prompt == '[{"role": "user", "content": "hello"}]'


def test_server_writes_a_program_and_the_sandbox_runs_it(chat_server):
    ours = over_chat(chat_server, reasoner="program-aided", tools="python")
    chat = ours.apply_chat_template([{"role": "user", "content": "What is six times seven?"}])
    assert ours.generate_until([ask(chat)]) == ["42"]
    kinds = [step.kind for step in ours.trajectories[0].steps]
    assert kinds == ["generate", "tool"]
    assert ours.trajectories[0].steps[1].ran_in == "monty"
