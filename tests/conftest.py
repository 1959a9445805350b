"""What holds for every test: no network, no hub, one thread, a known environment."""

import os
import socket
from ipaddress import ip_address

import pytest

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from hypothesis import HealthCheck, settings  # noqa: E402 - after the environment is set

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


class NetworkBlockedError(RuntimeError):
    """A test that is not marked `network` tried to leave the machine."""


def _is_loopback(address):
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = address[0]
    try:
        return host in ("", "localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_network(request, monkeypatch):
    """Sockets reach loopback and nothing else."""
    if request.node.get_closest_marker("network"):
        return
    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)

        def guarded(self, address, real=real):
            if _is_loopback(address):
                return real(self, address)
            raise NetworkBlockedError(f"a test tried to connect to {address!r}; mark it 'network' if it must")

        monkeypatch.setattr(socket.socket, name, guarded)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """No LOTTERY_* variable of the caller's shell reaches a test."""
    for name in [n for n in os.environ if n.startswith("LOTTERY_")]:
        monkeypatch.delenv(name)
