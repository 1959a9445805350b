"""One problem solved by a reasoner on a model that follows a script."""

import asyncio

from lottery_plugins.documents import Document
from lottery_plugins.limits import StopReason
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities

BRIDGE = Document("b", "The Lumen Bridge is 211 m long.", "Lumen Bridge")


def run(reasoner, replies, problem=None, **fields):
    backend = ScriptedBackend(replies)
    facilities = scripted_facilities(backend, **fields)
    (result,) = asyncio.run(solve_all([problem or fake_problem()], reasoner, facilities, max_live=1))
    assert result.stop_reason is not StopReason.FAILED, result.error
    return result, backend
