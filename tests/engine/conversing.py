"""Conversations on a fake engine, and what reached it."""

from lottery_plugins.engine.conversations import Conversations
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.testing.engine_fakes import ByteCodec, FakeEngine

PIECES = ("ab", "cd", "e ", "\n\n", "Observation: ", "d\n")  # so that what is generated is not how it would be encoded
CONFIG = GenerationConfig(max_tokens=12, stop=("\n",))


class Run:
    """Conversations, their engine and its codec."""

    def __init__(self, **engine):
        self.codec = ByteCodec(PIECES)
        self.engine = FakeEngine(self.codec, **engine)
        self.codec.encoded.clear()  # the engine's alphabet
        self.talk = Conversations(self.engine, self.codec)

    async def ask(self, prompt, trajectory=1, config=CONFIG, sample=0):
        return await self.talk.generate(GenerationRequest((), config, prompt, sample, trajectory))

    def encoded(self):
        """Characters encoded so far."""
        return sum(map(len, self.codec.encoded))
