"""What a reasoner is given, on a model that follows a script."""

from lottery_plugins.messages import Message
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities

ASK = (Message("user", "hello"),)


def services(backend=None, problem=None, **fields):
    return ProblemServices(problem or fake_problem(), scripted_facilities(backend or ScriptedBackend(), **fields))
