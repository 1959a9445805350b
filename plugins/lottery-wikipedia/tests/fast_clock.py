"""An encyclopedia whose waits take no time."""

from lottery_wikipedia.access import Access
from lottery_wikipedia.circuit import Clock
from lottery_wikipedia.encyclopedia import Encyclopedia
from wikipedia_server import AGENT


class FastClock(Clock):
    """Stands still, but for sleep, which it passes over and remembers."""

    def __init__(self):
        self.slept = []
        self.ahead_s = 0.0
        self.start = super().now()

    def now(self):
        return self.start + self.ahead_s

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.ahead_s += seconds


def encyclopedia(address, clock=None, **options):
    """One at an address."""
    return Encyclopedia(Access(AGENT, mirror=address, **options), clock or FastClock())
