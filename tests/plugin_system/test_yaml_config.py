"""Nested plugin settings in a YAML file, as `lm-eval run --config` reads it."""

from lm_eval._cli import HarnessCLI
from lm_eval.config.evaluate_config import EvaluatorConfig

from lottery_plugins.config import RunConfig

YAML = """
model: lottery
tasks: [lottery_arithmetic]
model_args:
  pretrained: a/b
  compression: [int8, {wanda: {sparsity: 0.3}}]
  reasoner: {react: {max_steps: 4}}
  tools: [calculator, python]
  retriever: bm25
  max_calls: 9
"""


def test_nested_yaml_gives_the_run_that_the_spec_strings_give(tmp_path, monkeypatch):
    file = tmp_path / "run.yaml"
    file.write_text(YAML)
    flat = (
        "pretrained=a/b,compression=int8+wanda:sparsity=0.3,reasoner=react:max_steps=4,"
        "tools=calculator+python,retriever=bm25,max_calls=9"
    )

    def parsed(*words):
        monkeypatch.setattr("sys.argv", ["lm-eval", "run", *words])
        return RunConfig.parse(EvaluatorConfig.from_cli(HarnessCLI().parse_args()).model_args)

    nested = parsed("--config", str(file))
    assert (
        nested.fingerprint()
        == parsed("--model", "lottery", "--tasks", "lottery_arithmetic", "--model_args", flat).fingerprint()
    )
    assert [str(spec) for spec in nested.compression] == ["int8", "wanda:sparsity=0.3"]
