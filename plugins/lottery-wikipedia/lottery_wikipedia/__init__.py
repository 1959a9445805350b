"""Wikipedia as tools (`tools=wikipedia`) and as a retriever (`retriever=wikipedia`).

    access.py        who asks, of which Wikipedia, within which time: the options that tools and retriever share
    encyclopedia.py  searches and pages, by wikipedia-api
    transport.py     what carries its requests: a snapshot, or the network
    network.py       one request at a time, within a deadline, with the waits that the server asks for
    circuit.py       what all processes of this machine know of the server's state
    snapshot.py      recorded responses

Importing this package imports neither wikipedia-api nor httpx.
"""

from __future__ import annotations

from lottery_plugins import hookimpl
from lottery_wikipedia.retriever import WikipediaRetriever
from lottery_wikipedia.tools import WikipediaTools

__all__ = ["WikipediaRetriever", "WikipediaTools"]


@hookimpl
def lottery_tools() -> list[type]:
    """Registered as `tools=wikipedia`."""
    return [WikipediaTools]


@hookimpl
def lottery_retrievers() -> list[type]:
    """Registered as `retriever=wikipedia`."""
    return [WikipediaRetriever]
