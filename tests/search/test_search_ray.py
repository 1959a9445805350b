"""The same search on a local Ray of two workers: the same answers whichever worker gives them, also when one dies."""

import os
from pathlib import Path

import pytest
from search_plans import plan, simulated

from lottery_plugins.search.driver import search
from lottery_plugins.search.pool import OneAtATime
from lottery_plugins.search.record import chosen
from lottery_plugins.search.split import split_documents

pytest.importorskip("optuna")
pytest.importorskip("ray")

from lottery_plugins.search.ray_pool import RayPool
from lottery_plugins.search.trials import Trials

pytestmark = pytest.mark.slow


class Dying:
    """Answers like the simulated evaluator, after its process has died over the first job of one ticket."""

    def __init__(self, grave):
        self.evaluator, self.grave = simulated(), Path(grave)

    def evaluate(self, job):
        if job.name == "trial-0001/rung-1" and not self.grave.exists():
            self.grave.touch()
            os._exit(1)
        return self.evaluator.evaluate(job)


@pytest.fixture(scope="module")
def ray_paths():
    """Workers import this module and the package as this process does."""
    before = os.environ.get("PYTHONPATH")
    here = Path(__file__).resolve()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(here.parents[2]), str(here.parent), before]))
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def test_two_workers_and_a_death_change_no_answer(tmp_path, ray_paths):
    made = plan(budget={"trials": 1000}, stop_dearer=False)
    split = split_documents(made, simulated().documents(made.task_names))
    alone = search(made, split, OneAtATime(simulated()), Trials(made))
    grave = tmp_path / "grave"
    pool = RayPool("local", 2, lambda _: Dying(grave))
    try:
        together = search(made, split, pool, Trials(made))
    finally:
        pool.close()
    assert grave.exists()
    by_ticket = {record.ticket: (record.state, record.looks, record.cost) for record in alone}
    assert {record.ticket: (record.state, record.looks, record.cost) for record in together} == by_ticket
    assert chosen(together, "bytes").ticket == chosen(alone, "bytes").ticket
