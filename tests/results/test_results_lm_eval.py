"""What the installed lm-eval really writes can be compared."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from lottery_plugins.results.compare import compare
from lottery_plugins.results.options import CompareOptions

YAML = """
task: probe
dataset_path: json
dataset_kwargs: {data_files: DATA}
test_split: train
output_type: generate_until
doc_to_text: "{{q}}="
doc_to_target: "{{a}}"
num_fewshot: 0
repeats: 2
generation_kwargs: {until: ["\\n"], do_sample: false, max_gen_toks: 4}
filter_list:
  - {name: strict, filter: [{function: regex, regex_pattern: "([0-9]+)"}, {function: take_first}]}
  - {name: flexible, filter: [{function: take_first}]}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
metadata: {version: 1.0, lottery: {ability: operations, cluster: group, margin: 0.1}}
"""


@pytest.mark.slow
def test_what_lm_eval_itself_writes_is_paired_with_its_copy(tmp_path):
    docs = [{"q": f"{i}+{i}", "a": str(2 * i), "group": i % 3} for i in (1, 2, 2, 3, 4)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "probe.yaml").write_text(YAML.replace("DATA", str(tmp_path / "data.jsonl")))
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "dummy", "--tasks", "probe", "--log_samples"]
    command += ["--include_path", str(tmp_path), "--output_path", str(tmp_path / "original")]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    subprocess.run(command, check=True, capture_output=True, timeout=110, env=offline)
    shutil.copytree(tmp_path / "original", tmp_path / "ticket")
    options = CompareOptions(resamples=199)
    comparison = compare(tmp_path / "original", {"ticket": tmp_path / "ticket"}, options)
    found = comparison.tasks[0]
    assert (found.task, found.metric, found.filter, found.ability) == ("probe", "exact_match", "strict", "operations")
    assert (found.margin, found.num_documents, found.num_clusters) == (0.1, 5, 3)
    assert found.arms[1].judged.difference.value == 0.0
    assert comparison.overall[0].verdict == "inconclusive"
