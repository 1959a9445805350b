"""A small classifier's file and a tiny reward model with random weights."""

import json

import pytest
from reward_models import make_reward_model

from lottery_plugins.verifiers.classifier import Card, Classifier, Logistic, write_classifier


@pytest.fixture
def classifier_file(tmp_path):
    """A logistic regression over eight features."""
    ones = (1.0,) * 8
    card = Card(model="a-model", model_hash="00", probe=tuple(range(1, 9)))
    model = Logistic(mean=(0.0,) * 8, scale=ones, weights=tuple(i - 3.5 for i in range(8)), bias=0.1)
    path = tmp_path / "verifier.json"
    write_classifier(path, Classifier(card, model))
    assert json.loads(path.read_text())["kind"] == "logistic"
    return str(path)


@pytest.fixture(scope="session")
def reward_model(tiny_model, tmp_path_factory):
    """A folder with a one-output Llama that rates chats."""
    return make_reward_model(tiny_model, tmp_path_factory.mktemp("reward"))
