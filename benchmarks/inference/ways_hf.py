"""Ways that run the transformers model itself: plain `generate`, lm-eval's `hf`, continuous batching."""

from __future__ import annotations

from typing import Any

import torch

from .loads import MultiStepLoad
from .number_text import from_text, number_tokenizer, to_text
from .subject import Subject
from .ways import Answers, one_by_one, rounds

__all__ = ["Continuous", "LmEval", "Naive", "lm_eval_model"]


class Naive:
    """`model.generate` once per call, with its whole history as the prompt."""

    forwarded = None

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def run(self, load: MultiStepLoad) -> Answers:
        def answer(prompt: list[int]) -> list[int]:
            ids = torch.tensor([prompt])
            with torch.inference_mode():
                made = self._subject.model.generate(
                    ids, attention_mask=torch.ones_like(ids), max_new_tokens=load.generated, do_sample=False
                )
            return list(made[0, len(prompt) :].tolist())

        return one_by_one(self._subject, load, answer)


def lm_eval_model(subject: Subject, batch_size: int) -> Any:
    """lm-eval's `hf` around the model that is loaded already."""
    from lm_eval.models.huggingface import HFLM

    tokenizer = number_tokenizer(subject.vocab_size, subject.never)
    return HFLM(pretrained=subject.model, tokenizer=tokenizer, batch_size=batch_size, max_length=1_000_000)


class LmEval:
    """lm-eval's `hf`: all trajectories of a round as one batch, which is as long as its longest."""

    forwarded = None

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def run(self, load: MultiStepLoad) -> Answers:
        from lm_eval.api.instance import Instance

        model = lm_eval_model(self._subject, batch_size=load.trajectories)
        settings = {"until": [], "do_sample": False, "max_gen_toks": load.generated}

        def answer(prompts: list[list[int]]) -> list[list[int]]:
            requests = [
                Instance(request_type="generate_until", doc={}, arguments=(to_text(p), settings), idx=0)
                for p in prompts
            ]
            return [from_text(text) for text in model.generate_until(requests, disable_tqdm=True)]

        return rounds(self._subject, load, answer)


class Continuous:
    """transformers' continuous batching as it comes: prefix sharing and page size as they are set by default."""

    forwarded = None

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def run(self, load: MultiStepLoad) -> Answers:
        from transformers import GenerationConfig

        subject = self._subject
        histories = [load.prompt(subject.text_ids) for _ in range(load.trajectories)]
        observations = load.observations(subject.text_ids)
        answers: Answers = [[] for _ in histories]
        settings = GenerationConfig(do_sample=False, max_new_tokens=load.generated, eos_token_id=-1)
        with subject.model.continuous_batching_context_manager(generation_config=settings) as manager:

            def ask(t: int) -> None:
                histories[t] += observations[t][len(answers[t])]
                manager.add_request(histories[t], request_id=f"{t}-{len(answers[t])}")

            for t in range(load.trajectories):
                ask(t)
            left = load.trajectories * load.steps
            while left:
                result = manager.get_result(timeout=1)
                if result is None or not result.is_finished():
                    if not manager.is_running():
                        raise RuntimeError("continuous batching stopped before all requests were answered")
                    continue
                if result.error is not None:
                    raise RuntimeError(result.error)
                t = int(result.request_id.split("-")[0])
                answers[t].append(list(result.generated_tokens))
                histories[t] += answers[t][-1]
                left -= 1
                if len(answers[t]) < load.steps:
                    ask(t)
        return answers
