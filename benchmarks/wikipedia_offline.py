"""What it costs to have no network: seconds of the first call of `wikipedia_search`, and of those after it.

python benchmarks/wikipedia_offline.py            # where en.wikipedia.org can't be reached
python benchmarks/wikipedia_offline.py --plain    # wikipedia-api by itself, for comparison
"""

import argparse
import os
import tempfile
import time

AGENT = "lottery-benchmark/1.0 (tests@example.org)"
CALLS = 5


def ours():
    """Calls of our tool, with a cache folder of their own."""
    from lottery_wikipedia import WikipediaTools

    from lottery_plugins.errors import ToolError

    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOTTERY_CACHE"] = folder
        search = WikipediaTools(AGENT).open()[0]
        for number in range(CALLS):
            yield timed(lambda number=number: search.call({"query": f"heron {number}"}), ToolError)


def plain():
    """Calls of the library with its own repeats."""
    from wikipediaapi import Wikipedia, WikipediaException

    wiki = Wikipedia(AGENT, "en")
    for number in range(2):
        yield timed(lambda number=number: wiki.search(f"heron {number}"), WikipediaException)


def timed(act, expected):
    start = time.perf_counter()
    try:
        act()
        told = "it answered: there is a network"
    except expected as error:
        told = f"{type(error).__name__}: {error}"
    return time.perf_counter() - start, told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", action="store_true")
    for seconds, told in plain() if parser.parse_args().plain else ours():
        print(f"{seconds:7.3f} s  {told}")
