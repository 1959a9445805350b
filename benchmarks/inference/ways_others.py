"""Ways of other libraries: Inspect AI's provider for transformers models, and llama.cpp."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from .gguf_file import write_gguf
from .loads import MultiStepLoad
from .number_text import from_text, number_tokenizer, to_text
from .subject import Subject
from .ways import Answers, one_by_one, side_by_side

__all__ = ["Inspect", "LlamaCpp"]


class Inspect:
    """Inspect AI's `hf` provider: a coroutine per trajectory; the provider collects their calls into batches."""

    forwarded = None

    def __init__(self, subject: Subject) -> None:
        from inspect_ai.model import GenerateConfig
        from inspect_ai.model._providers.hf import HuggingFaceAPI

        self._subject = subject
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = number_tokenizer(subject.vocab_size, subject.never)
            tokenizer.save_pretrained(folder)
            # it can't take a loaded model: it loads one by name, which is then put aside
            self._api = HuggingFaceAPI(
                subject.folder, config=GenerateConfig(), tokenizer=folder, device="cpu", do_sample=False
            )
        self._api.model = subject.model

    def run(self, load: MultiStepLoad) -> Answers:
        from inspect_ai.model import ChatMessageUser, GenerateConfig

        # as many connections as trajectories: a batch then starts when the last one has asked
        config = GenerateConfig(max_tokens=load.generated, max_connections=load.trajectories)

        async def answer(prompt: Any) -> list[int]:
            output = await self._api.generate([ChatMessageUser(content=to_text(prompt))], [], "none", config)
            return from_text(output.completion)

        return side_by_side(self._subject, load, answer)


class LlamaCpp:
    """llama-cpp-python's `Llama`: trajectory by trajectory, so that its cache always holds the longest prefix."""

    def __init__(self, subject: Subject) -> None:
        from llama_cpp import Llama

        self._subject = subject
        self.forwarded: int | None = 0
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "model-f32.gguf")
            write_gguf(subject.model, file)
            threads = torch.get_num_threads()
            self._llama = Llama(
                str(file), n_ctx=2048, n_batch=512, n_threads=threads, n_threads_batch=threads, use_mmap=False,
                verbose=False,
            )  # fmt: skip
        evaluate = self._llama.eval

        def counted(tokens: Any) -> None:
            self.forwarded = (self.forwarded or 0) + len(tokens)
            evaluate(tokens)

        self._llama.eval = counted

    def run(self, load: MultiStepLoad) -> Answers:
        self.forwarded = 0

        def answer(prompt: list[int]) -> list[int]:
            made = []
            for token in self._llama.generate(prompt, temp=0.0, repeat_penalty=1.0):
                made.append(int(token))
                if len(made) == load.generated:
                    break
            return made

        return one_by_one(self._subject, load, answer)
