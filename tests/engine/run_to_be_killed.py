"""A small run on a store, for tests that kill it: `python run_to_be_killed.py STORE LOG`.

Each of 12 samples takes 5 completions, 4 samples at a time. What happens is appended to the log as it happens:
"call 3 1" when sample 3's completion 1 is computed, "kept 3 1" when it was acknowledged, "finished 3".
"""

import asyncio
import os
import sys
from pathlib import Path

from lottery_plugins.engine.replay import ReplayingFront
from lottery_plugins.engine.store import SampleStore, problem_key
from lottery_plugins.generation import Completion
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.trajectory import Answer, Problem

SAMPLES, STEPS = 12, 5


async def main(store, say):
    problems = [
        Problem(task="t", doc_id=i, messages=(Message("user", f"{i}"),), question=f"{i}") for i in range(SAMPLES)
    ]
    keys = [problem_key(problem) for problem in problems]
    store.begin()
    todo = [i for i in range(SAMPLES) if store.get(keys[i]) is None]

    class Model:
        async def generate(self, request):
            prompt = request.messages[-1].content
            say(f"call {prompt.split()[0]} {len(prompt.split()) - 1}")
            await asyncio.sleep(0.005)  # so that kills hit in the middle
            return Completion(f"{prompt} w" + "x" * 3000, prompt)

        def release(self, trajectory):
            pass

    class StepByStep:
        name = "step-by-step"

        async def solve(self, problem, services):
            text = problem.question
            for step in range(STEPS):
                written = await services.generate((Message("user", text),), purpose="step")
                say(f"kept {problem.doc_id} {step}")
                text = written.text
            return Answer(text)

    def finished(position, trajectory):
        assert trajectory.stop_reason is StopReason.ANSWERED, trajectory.error
        store.put(keys[todo[position]], trajectory)
        say(f"finished {todo[position]}")

    front = ReplayingFront(Model(), store, [keys[i] for i in todo])
    await solve_all(
        [problems[i] for i in todo],
        StepByStep(),
        Facilities(generate=front.generate, release=front.release),
        max_live=4,
        on_finished=finished,
    )


if __name__ == "__main__":
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    asyncio.run(main(SampleStore(Path(sys.argv[1])), lambda line: os.write(log, f"{line}\n".encode())))
