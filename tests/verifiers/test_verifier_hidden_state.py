"""The verifier on hidden states: what it reads, what it says, and on which model."""

import asyncio

import pytest

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.protocols.backend import HiddenState
from lottery_plugins.protocols.verifier import BoundToModel
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities
from lottery_plugins.verifiers.hidden_state import HiddenStateVerifier

PROBE = tuple(float(i) for i in range(1, 9))


class Reader:
    def __init__(self, *values):
        self.values, self.read = values, []

    async def features(self, messages):
        self.read.append(messages)
        return HiddenState(self.values, 3)


def judge(verifier, values, answer="5"):
    reader = Reader(*values)
    run = scripted_facilities(ScriptedBackend(), verifier=verifier, features=reader.features)
    services = ProblemServices(fake_problem(), run)
    return asyncio.run(services.verify(answer)), reader, services


def test_the_answer_is_read_after_the_prompt_and_rated(classifier_file):
    verifier = HiddenStateVerifier(file=classifier_file)
    judgement, reader, services = judge(verifier, (0.0,) * 7 + (1.0,), " 5\n")
    assert plain_text(reader.read[0]) == "Question: What is 2 + 3?\nAnswer:\n5"
    assert judgement.score == pytest.approx(1 / (1 + 2.718281828**-3.6), abs=1e-6)
    assert judgement.accepted
    assert {(step.kind, step.purpose) for step in services.steps} == {("verify", "verify"), ("score", "features")}
    assert not judge(verifier, (1.0,) + (0.0,) * 7)[0].accepted
    assert not judge(HiddenStateVerifier(file=classifier_file, threshold=0.99), (0.0,) * 7 + (1.0,))[0].accepted


def test_the_model_that_it_was_trained_on_is_known_again(classifier_file):
    verifier = HiddenStateVerifier(file=classifier_file)
    assert isinstance(verifier, BoundToModel)
    near = tuple(x * 1.01 + 0.001 for x in PROBE)
    for values in (PROBE, near):
        reader = Reader(*values)
        asyncio.run(verifier.check_model(reader))
        assert isinstance(reader.read[0][0], Message)


def test_another_model_is_refused_unless_it_is_asked_for(classifier_file):
    other = Reader(*reversed(PROBE))
    with pytest.raises(ConfigError, match=r"cosine 0\.5882.*the model a-model"):
        asyncio.run(HiddenStateVerifier(file=classifier_file).check_model(other))
    asyncio.run(HiddenStateVerifier(file=classifier_file, other_model=True).check_model(other))
    verifier = HiddenStateVerifier(file=classifier_file, other_model=True)
    with pytest.raises(ConfigError, match=r"3 dimensions.*8, as of a-model"):
        asyncio.run(verifier.check_model(Reader(1.0, 2.0, 3.0)))
    with pytest.raises(ConfigError, match="3 dimensions"):
        judge(verifier, (1.0, 2.0, 3.0))


def test_a_run_without_hidden_states_is_an_error(classifier_file):
    verifier = HiddenStateVerifier(file=classifier_file)
    services = ProblemServices(fake_problem(), scripted_facilities(ScriptedBackend(), verifier=verifier))
    with pytest.raises(ConfigError, match="hidden states"):
        asyncio.run(services.verify("5"))


def test_a_file_that_can_not_be_used_is_told_when_the_run_is_put_together(tmp_path):
    with pytest.raises(DataError, match="lottery train-verifier"):
        HiddenStateVerifier(file=str(tmp_path / "none.json"))


def test_a_bad_threshold_is_refused(classifier_file):
    with pytest.raises(ConfigError, match="threshold"):
        HiddenStateVerifier(file=classifier_file, threshold=-0.1)
