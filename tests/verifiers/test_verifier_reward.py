"""A tiny reward model of random weights: scores, templates, batches, threads, and what can't be loaded."""

import asyncio
import threading

import pytest
from reward_models import make_reward_model

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.verifier import HasCosts
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities
from lottery_plugins.verifiers.reward_model import RewardModelVerifier
from lottery_plugins.verifiers.together import Together

ANSWERS = ["5", "It is five, I would say.", "", "a much longer answer " * 8]


def verify_all(verifier, answers=ANSWERS, problem=None):
    services = ProblemServices(problem or fake_problem(), scripted_facilities(ScriptedBackend(), verifier=verifier))

    async def work():
        return [j.score for j in await asyncio.gather(*(services.verify(answer) for answer in answers))]

    return asyncio.run(work())


def test_scores_are_the_models_own(reward_model):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(reward_model).eval()
    tokenizer = AutoTokenizer.from_pretrained(reward_model)
    text = "user: Question: What is 2 + 3?\nAnswer:\nassistant: 5\n"
    with torch.inference_mode():
        logit = model(**tokenizer(text, return_tensors="pt", add_special_tokens=False)).logits.item()
    expected = 1 / (1 + 2.718281828459045**-logit)
    assert verify_all(RewardModelVerifier(model=reward_model), ["5"]) == [pytest.approx(expected, abs=1e-5)]


def test_answers_that_come_together_score_as_they_do_alone(reward_model):
    together = verify_all(RewardModelVerifier(model=reward_model, batch_size=3))
    assert len(set(together)) == len(ANSWERS)
    assert verify_all(RewardModelVerifier(model=reward_model, batch_size=1)) == pytest.approx(together, abs=2e-6)


def test_what_it_costs_is_told(reward_model):
    verifier = RewardModelVerifier(model=reward_model)
    assert isinstance(verifier, HasCosts)
    assert verifier.costs() == {"name": reward_model}
    verify_all(verifier, ["5", "66"])
    costs = verifier.costs()
    prompt = len("user: Question: What is 2 + 3?\nAnswer:\nassistant: \n")
    assert (costs["calls"], costs["tokens"]) == (2, 2 * prompt + 3)
    assert costs["weight_bytes"] > 1000
    assert costs["seconds"] > 0


def test_one_verifier_serves_several_event_loops(reward_model):
    verifier = RewardModelVerifier(model=reward_model)
    assert verify_all(verifier) == verify_all(verifier)


def test_a_begun_reply_is_continued(reward_model):
    problem = fake_problem(messages=(Message("user", "2 + 3?"), Message("assistant", "The sum is")))
    begun = verify_all(RewardModelVerifier(model=reward_model), ["5"], problem)
    whole = fake_problem(messages=(Message("user", "2 + 3?"),))
    assert begun == verify_all(RewardModelVerifier(model=reward_model), ["The sum is 5"], whole)


def test_of_several_outputs_the_label_is_taken(tiny_model, tmp_path):
    folder = make_reward_model(tiny_model, tmp_path, num_labels=2, has_template=False)
    bad, good = (verify_all(RewardModelVerifier(model=folder, label=f"LABEL_{i}"), ["5"])[0] for i in (0, 1))
    assert bad + good == pytest.approx(1, abs=1e-5)
    assert verify_all(RewardModelVerifier(model=folder), ["5"]) == [good]
    with pytest.raises(ConfigError, match=r"reward-model.label.*LABEL_0"):
        verify_all(RewardModelVerifier(model=folder, label="good"), ["5"])


def test_a_text_that_is_too_long_loses_its_beginning(reward_model):
    verifier = RewardModelVerifier(model=reward_model, max_tokens=12)
    assert verify_all(verifier, ["x" * 600 + "the end of it"]) == verify_all(verifier, ["y" * 600 + "the end of it"])
    assert len(verify_all(RewardModelVerifier(model=reward_model), ["word " * 400])) == 1


def test_it_runs_in_one_thread_of_its_own(reward_model, monkeypatch):
    threads = set()
    verifier = RewardModelVerifier(model=reward_model, batch_size=1)
    rate = RewardModelVerifier._rate_all

    def watched(self, texts):
        threads.add(threading.current_thread())
        return rate(self, texts)

    monkeypatch.setattr(RewardModelVerifier, "_rate_all", watched)
    verify_all(verifier)
    assert len(threads) == 1
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"model": "./nowhere"}, ConfigError, "a folder that exists"),
        ({"model": ""}, ConfigError, "a folder that exists"),
        ({"model": "a/b", "threshold": 2.0}, ConfigError, "threshold"),
        ({"model": "a/b", "batch_size": 0}, ConfigError, "batch_size"),
    ],
)
def test_bad_options_are_refused(options, error, told):
    with pytest.raises(error, match=told):
        RewardModelVerifier(**options)


def test_what_is_no_model_is_told(tmp_path, reward_model):
    with pytest.raises(DataError, match=r"reward-model.model=.*can't be loaded"):
        verify_all(RewardModelVerifier(model=str(tmp_path)), ["5"])
    with pytest.raises(DataError, match=r"reward-model.model=.*can't be loaded"):
        verify_all(RewardModelVerifier(model=reward_model, dtype="float33"), ["5"])


# ---------------------------------------------------------------- asking together


def test_questions_are_answered_in_batches_and_a_failure_belongs_to_its_batch():
    batches = []

    def answer(questions):
        batches.append(questions)
        if 3 in questions:
            raise RuntimeError("three")
        return [q * 10 for q in questions]

    together = Together(answer, 2)

    async def work():
        return await asyncio.gather(*(together.ask(i) for i in range(6)), return_exceptions=True)

    found = asyncio.run(work())
    assert batches == [[0, 1], [2, 3], [4, 5]]
    assert found[:2] + found[4:] == [0, 10, 40, 50]
    assert all(isinstance(error, RuntimeError) for error in found[2:4])


def test_a_question_that_was_given_up_is_not_answered():
    asked = []
    begun, go_on = threading.Event(), threading.Event()

    def answer(questions):
        asked.extend(questions)
        begun.set()
        go_on.wait(20)
        return questions

    together = Together(answer, 1)

    async def work():
        first, second = (asyncio.ensure_future(together.ask(i)) for i in (1, 2))
        await asyncio.to_thread(begun.wait, 20)
        second.cancel()
        go_on.set()
        return await first, await together.ask(3)

    assert asyncio.run(work()) == (1, 3)
    assert asked == [1, 3]
