import json
from importlib import resources

import pytest

from lottery_plugins.results.compare import compare, compare_study
from lottery_plugins.results.comparison import COMPARISON_SCHEMA, STUDY_ARMS
from lottery_plugins.results.render import render_json

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def schema():
    return json.loads(resources.files("lottery_plugins.results").joinpath("comparison.schema.json").read_text())


def test_the_schema_is_one_and_of_this_version(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"] == {"const": COMPARISON_SCHEMA}


def test_a_study_with_everything_in_it_fits_the_schema(runs, schema):
    for rate, arm in enumerate(STUDY_ARMS):
        rows = {"binary": [1.0] * (5 * rate) + [0.0] * (40 - 5 * rate), "graded": [0.1 * rate, 0.5] * 10}
        runs.write(arm, rows, model_args=arm)
        runs.write_ledger(arm, failed={1}, task="binary", num=40)
    written = json.loads(render_json(compare_study({arm: runs.root / arm for arm in STUDY_ARMS})))
    jsonschema.validate(written, schema, cls=jsonschema.Draft202012Validator)
    assert written["tasks"][0]["interaction"] is not None


def test_a_comparison_of_other_peoples_runs_fits_the_schema(runs, schema):
    folders = [runs.write(name, {"t": [1.0, 0.0]}, model_args=name) for name in "ab"]
    written = json.loads(render_json(compare(folders[0], {"b": folders[1]})))
    jsonschema.validate(written, schema, cls=jsonschema.Draft202012Validator)
    written["tasks"][0]["arms"][1]["judged"]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, schema, cls=jsonschema.Draft202012Validator)
