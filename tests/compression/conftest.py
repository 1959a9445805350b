"""A tiny model in a folder, and a compressed checkpoint of it."""

import pytest

from lottery_plugins.compression import Int4, Wanda
from lottery_plugins.compression.checkpoint_make import Job, make_checkpoint
from lottery_plugins.testing.contracts.compression_files import save_tiny_model

JOINED = (Int4(group_size=32), Wanda(sparsity=0.5))


def job_of(original, out, methods=JOINED, **more):
    """A job with the methods' bare names as its spec."""
    spec = "+".join(method.name for method in methods)
    return Job(model=str(original), compression=spec, methods=methods, out=out, **more)


@pytest.fixture(scope="session")
def job():
    return job_of


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def saved(original, tmp_path_factory):
    """A checkpoint of int4 and wanda joined."""
    out = tmp_path_factory.mktemp("saved") / "int4-wanda"
    make_checkpoint(job_of(original, out))
    return out
