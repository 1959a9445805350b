"""A small MediaWiki on this machine: it speaks the API that wikipedia-api asks, and fails as it is told to."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGES = {
    "Heron": (
        "Herons are long-legged birds that wade in shallow water.\nThere are 74 species.\n\n\n"
        "== Behaviour ==\nThey stand still for a long time.\n\n\n"
        "=== Feeding ===\nThey eat fish, frogs and insects.\nSome eat voles.\n\n\n"
        "== Names ==\nThe word is of Germanic origin."
    ),
    "Grey heron": "The grey heron is native to Europe, Asia and Africa.\n\n\n== Size ==\nIt stands up to 100 cm tall.",
    "Clock tower": "A clock tower carries a clock.\n\n\n== Bricks ==\nMany are built of red brick.",
    "Łódź": "Łódź is a city in Poland.",
}
REDIRECTS = {"Herons": "Heron"}
AGENT = "lottery-tests/1.0 (tests@example.org)"


class Wiki:
    """The server's side of a test.

    Attributes:
        asked: Parameters of each request, in order.
        agents: Its user agents.
        faults: What the next requests get in place of an answer: (status, headers, body) each, or a function that is
            called and then answered as usual.
    """

    def __init__(self):
        self.asked, self.agents, self.faults = [], [], []
        self.lock = threading.Lock()
        self.address = ""

    def answer(self, params):
        if params.get("list") == "search":
            return self.search(params["srsearch"], int(params["srlimit"]))
        return self.extract(params["titles"])

    @staticmethod
    def search(query, limit):
        words = {word for word in query.lower().split() if word not in ("the", "of", "a", "is")}
        rated = [(sum(word in f"{title} {text}".lower() for word in words), title) for title, text in PAGES.items()]
        hits = [title for score, title in sorted(rated, key=lambda pair: -pair[0]) if score]
        found = [
            {
                "ns": 0,
                "title": title,
                "pageid": 10 + i,
                "snippet": f'about <span class="searchmatch">{title}</span> &amp; co',
            }
            for i, title in enumerate(hits[:limit])
        ]
        info = {"totalhits": len(hits)} | ({} if hits else {"suggestion": "heron"})
        return {"batchcomplete": "", "query": {"searchinfo": info, "search": found}}

    @staticmethod
    def extract(title):
        normal = title.replace("_", " ")[:1].upper() + title.replace("_", " ")[1:]
        query = {"redirects": [{"from": normal, "to": REDIRECTS[normal]}]} if normal in REDIRECTS else {}
        normal = REDIRECTS.get(normal, normal)
        if normal.startswith("Fr:"):
            return {"batchcomplete": "", "query": {"interwiki": [{"title": title, "iw": "fr"}]}}
        if normal not in PAGES:
            return {"batchcomplete": "", "query": {"pages": {"-1": {"ns": 0, "title": normal, "missing": ""}}}}
        page = {"pageid": 7, "ns": 0, "title": normal, "extract": PAGES[normal]}
        return {"batchcomplete": "", "query": {**query, "pages": {"7": page}}}


def error(code, info="told so"):
    """An error that the API reports inside a good answer."""
    return json.dumps({"error": {"code": code, "info": info}}).encode()


@contextmanager
def running_wiki():
    """A server on a free port of this machine."""
    wiki = Wiki()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            params = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            with wiki.lock:
                wiki.asked.append(params)
                wiki.agents.append(self.headers["User-Agent"])
                fault = wiki.faults.pop(0) if wiki.faults else None
            status, headers, body = 200, {}, None
            if callable(fault):
                fault()
            elif fault is not None:
                status, headers, body = fault
            self.send(status, headers, json.dumps(wiki.answer(params)).encode() if body is None else body)

        def send(self, status, headers, body):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A client that gave up waiting is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    wiki.address = f"http://127.0.0.1:{server.server_port}/w/api.php"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield wiki
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
