"""A small classifier's file and a tiny reward model with random weights."""

import json

import pytest

from lottery_plugins.verifiers.classifier import Card, Classifier, Logistic, write_classifier

CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


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


def make_reward_model(tiny_model, folder, num_labels=1, has_template=True):
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = CHAT if has_template else None
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, pad_token_id=tokenizer.pad_token_id, num_labels=num_labels,
    )  # fmt: skip
    LlamaForSequenceClassification(config).save_pretrained(folder)
    return str(folder)
