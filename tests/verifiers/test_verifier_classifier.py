"""The classifier's file, boosted trees without their library, the metrics, and training on data of known truth."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError, DataError, MissingExtraError
from lottery_plugins.verifiers import metrics
from lottery_plugins.verifiers.classifier import Card, Classifier, Logistic, read_classifier, write_classifier
from lottery_plugins.verifiers.training import TrainingOptions, TrainingSet, check_library, train
from lottery_plugins.verifiers.trees import Trees

CARD = Card(model="m", model_hash="0", tasks=("t",), metrics={"auc": (0.75, 0.5, 0.9)}, probe=(1.0, -2.5), num_train=3)
STUMP = {
    "nodeid": 0, "split": "f1", "split_condition": 0.1, "yes": 1, "no": 2,
    "children": [{"nodeid": 1, "leaf": -1.5}, {"nodeid": 2, "leaf": 2.5}],
}  # fmt: skip
numbers = st.floats(-1e6, 1e6)


def made(num=200, dimensions=6, seed=0, signal=2.0, per_group=1):
    rng = np.random.default_rng(seed)
    correct = rng.integers(0, 2, num).astype(float)
    features = rng.normal(size=(num, dimensions))
    features[:, 0] += signal * correct
    return TrainingSet(features=features, correct=correct, groups=[str(i // per_group) for i in range(num)])


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    "model",
    [Logistic((0.0, 1.0), (1.0, 2.0), (0.5, -1.0), 0.25), Trees.from_dump([STUMP], 2)],
    ids=["logistic", "trees"],
)
def test_what_is_written_reads_back(tmp_path, model):
    path = tmp_path / "v.json"
    write_classifier(path, Classifier(CARD, model))
    assert read_classifier(path) == Classifier(CARD, model)


def changed(data, **changes):
    return {**data, "model": {**data["model"], **changes}}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: "[]",
        lambda data: "{",
        lambda data: json.dumps({**data, "format": "pickle"}),
        lambda data: json.dumps({**data, "kind": "module:function"}),
        lambda data: json.dumps({**data, "card": {}}),
        lambda data: json.dumps(changed(data, weights=[1.0])),
        lambda data: json.dumps(changed(data, scale=[1.0, 0.0])),
        lambda data: json.dumps(changed(data, bias="0")),
        lambda data: json.dumps(changed(data, mean=[1.0, float("nan")])),
        lambda data: json.dumps({**data, "model": None}),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path, change):
    path = tmp_path / "v.json"
    write_classifier(path, Classifier(CARD, Logistic((0.0, 1.0), (1.0, 2.0), (0.5, -1.0), 0.25)))
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(DataError, match=r"verifier file .*v.json"):
        read_classifier(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match=r"can't be read.*lottery train-verifier"):
        read_classifier(tmp_path / "none.json")


@given(st.lists(numbers, min_size=3, max_size=3), st.lists(numbers, min_size=3, max_size=3), numbers)
def test_any_features_have_a_probability(values, weights, bias):
    classifier = Classifier(CARD, Logistic((0.0,) * 3, (1e-3,) * 3, tuple(weights), bias))
    assert 0 <= classifier.probability(values) <= 1


# ---------------------------------------------------------------- trees


def test_a_stump_goes_left_below_its_value_in_float32():
    trees = Trees.from_dump([STUMP, STUMP], 2)
    assert trees.margin((9.0, 0.0)) == -3.0
    assert trees.margin((9.0, 0.1)) == 5.0
    assert trees.margin((9.0, 0.1 - 1e-12)) == 5.0  # the same float32


@pytest.mark.parametrize(
    ("column", "value"),
    [("left", [[0, 0, 0]]), ("right", [[9, 0, 0]]), ("features", [[2, -1, -1]]), ("values", [[1.0, 2.0]])],
)
def test_trees_that_lead_nowhere_are_refused(column, value):
    data = {"num_features": 2, "features": [[1, -1, -1]], "values": [[0.1, -1.5, 2.5]], "left": [[1, 0, 0]]}
    data |= {"right": [[2, 0, 0]]}
    assert Trees.from_json(data) == Trees.from_dump([STUMP], 2)
    with pytest.raises(ValueError, match=r"leads nowhere|zip"):
        Trees.from_json({**data, column: value})


def test_trees_give_what_xgboost_gives():
    xgboost = pytest.importorskip("xgboost")
    data = made(num=300, signal=1.0)
    trained = train(data, TrainingOptions(kind="xgboost"))
    assert trained.metrics["auc"][1] > 0.5
    matrix = xgboost.DMatrix(data.features.astype(np.float32), label=data.correct)
    settings = {k: v for k, v in trained.settings.items() if k in ("objective", "base_score", "max_depth", "eta")}
    booster = xgboost.train({**settings, "nthread": 1}, matrix, num_boost_round=20)
    dump = [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    classifier = Classifier(CARD, Trees.from_dump(dump, data.features.shape[1]))
    ours = [classifier.probability(row) for row in data.features.tolist()]
    assert ours == pytest.approx(booster.predict(matrix).tolist(), abs=1e-5)


# ---------------------------------------------------------------- metrics


def brute_auc(probability, correct):
    pairs = [(p, q) for p in probability[correct == 1] for q in probability[correct == 0]]
    return sum(1.0 if p > q else 0.5 if p == q else 0.0 for p, q in pairs) / len(pairs)


@given(st.lists(st.tuples(st.sampled_from((0.0, 0.2, 0.5, 0.5, 1.0)), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_ordered_pairs(samples):
    probability, correct = (np.array(column, dtype=float) for column in zip(*samples, strict=True))
    if 0 < correct.sum() < len(correct):
        assert metrics.auc(probability, correct) == pytest.approx(brute_auc(probability, correct))
    else:
        assert math.isnan(metrics.auc(probability, correct))


def test_metrics_of_a_case_worked_by_hand():
    probability, correct = np.array([0.9, 0.8, 0.3, 0.6]), np.array([1.0, 1.0, 0.0, 0.0])
    assert metrics.accuracy(probability, correct) == 0.75
    assert metrics.brier(probability, correct) == pytest.approx((0.01 + 0.04 + 0.09 + 0.36) / 4)
    assert metrics.expected_calibration_error(probability, correct) == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)
    assert metrics.expected_calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0


def test_intervals_over_few_groups_are_wider():
    rng = np.random.default_rng(0)
    correct = rng.integers(0, 2, 200).astype(float)
    probability = np.clip(0.5 + 0.3 * (correct - 0.5) + rng.normal(size=200) * 0.2, 0, 1)
    alone = metrics.with_intervals(probability, correct, [str(i) for i in range(200)], seed=0)
    order = np.argsort(probability)
    together = metrics.with_intervals(probability[order], correct[order], [str(i // 20) for i in range(200)], seed=0)
    value, low, high = alone["accuracy"]
    assert low < value < high
    assert together["accuracy"][2] - together["accuracy"][1] > high - low


# ---------------------------------------------------------------- training


def test_what_can_be_learnt_is_learnt_and_what_can_not_is_not():
    learnt = train(made(signal=2.0), TrainingOptions())
    assert learnt.metrics["auc"][1] > 0.8
    nothing = train(made(signal=0.0, dimensions=20), TrainingOptions())
    assert nothing.metrics["auc"][1] < 0.5 < nothing.metrics["auc"][2]
    assert learnt.num_train + learnt.num_held_out == 200


def test_a_group_is_never_in_both_parts(monkeypatch):
    seen = []
    real = metrics.with_intervals
    monkeypatch.setattr(
        "lottery_plugins.verifiers.training.with_intervals",
        lambda p, c, g, s: (seen.append(set(g)), real(p, c, g, s))[1],
    )
    data = made(per_group=5)
    train(data, TrainingOptions(held_out=0.2))
    assert len(seen[0]) * 5 == train(data, TrainingOptions(held_out=0.2)).num_held_out


def test_a_copied_group_does_not_leak():
    data = made(num=40, signal=0.0, dimensions=30)
    again = 6
    copied = TrainingSet(
        features=np.repeat(data.features, again, axis=0),
        correct=np.repeat(data.correct, again),
        groups=[group for group in data.groups for _ in range(again)],
    )
    assert train(copied, TrainingOptions()).metrics["auc"][1] < 0.6


def test_the_same_seed_trains_the_same():
    assert train(made(), TrainingOptions(seed=3)) == train(made(), TrainingOptions(seed=3))


def test_too_few_answers_are_told():
    data = made(num=60)
    few = TrainingSet(features=data.features, correct=np.r_[np.ones(4), np.zeros(56)], groups=data.groups)
    with pytest.raises(DataError, match="right answers to 4 documents"):
        train(few, TrainingOptions())


@pytest.mark.parametrize("options", [{"kind": "pickle"}, {"held_out": 0.0}, {"held_out": 0.9}])
def test_bad_options_are_refused(options):
    with pytest.raises(ConfigError):
        TrainingOptions(**options)


def test_a_missing_library_is_told_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install xgboost"):
        check_library("xgboost")
