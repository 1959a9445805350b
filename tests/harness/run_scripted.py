"""A run of a scripted model under ReAct, for tests that kill it: `python run_scripted.py LOG ANSWERS`.

Eight problems take four calls of the calculator each before they are answered, three problems at a time; each is asked
twice. The log gets one line of JSON for each batch that the model is given, before it answers.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

PROBLEMS, TURNS = 8, 5


@register_model("scripted")
class Scripted(LM):
    """Calls the calculator, then answers with the last observation; what it writes depends on the prompt alone."""

    tokenizer_name = "none"

    def __init__(self, log="", batch_size=1):
        super().__init__()
        self.log = Path(log)

    def generate_until(self, requests, disable_tqdm=False):
        prompts = [request.args[0] for request in requests]
        with self.log.open("a") as log:
            log.write(json.dumps([hashlib.sha256(prompt.encode()).hexdigest() for prompt in prompts]) + "\n")
        time.sleep(0.03)
        return [self._turn(prompt) for prompt in prompts]

    def _turn(self, prompt):
        done = prompt.rpartition("Which number is ")[2]
        seen = done.count("Observation: ")
        if seen < TURNS - 1:
            return f" I go on.\nAction: calculator[{done.split('?')[0]} * {seen + 2}]"
        return f" Done.\nAction: Finish[{done.rpartition('Observation: ')[2].split()[0]}]"

    def loglikelihood(self, requests):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError


def main(log, answers):
    from lottery_plugins.harness.model import LotteryLM

    ours = LotteryLM(
        base="scripted", log=log, reasoner="react", tools="calculator", max_live=3, max_new_tokens=10_000
    )  # fmt: skip
    asked = [
        Instance(
            request_type="generate_until", doc={}, arguments=(f"Which number is {17 + i}?", {"until": ["\n\n"]}),
            idx=0, metadata=("a_task", i, 2),
        )
        for i in range(PROBLEMS) for _ in range(2)
    ]  # fmt: skip
    ours.generate_until(asked)
    steps = [
        [t.doc_id, t.sample, t.answer, t.stop_reason, [[s.kind, s.prompt, s.output] for s in t.steps]]
        for t in ours.trajectories
    ]
    Path(answers).write_text(json.dumps(steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
