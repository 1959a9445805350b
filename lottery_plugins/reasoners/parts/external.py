"""Help from outside the model: `can_use_external` and `solve_with_external`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoners.algorithm import Node
from lottery_plugins.reasoners.parts.asking import case_turns
from lottery_plugins.reasoners.parts.posing import from_memory, with_known
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.ratings import says_yes
from lottery_plugins.reasoners.requests import Request, parse_requests
from lottery_plugins.reasoning.branches import together
from lottery_plugins.trajectory import Answer

__all__ = ["Requests", "always"]

MAX_TOKENS = 128
"""Longest list of requests."""

OF_THE_MEMORY = frozenset({"remember", "recall"})
"""Not offered as outside help: the algorithm itself reads and writes the memory."""


async def always(node: Node) -> bool:
    """Yes."""
    return True


@dataclass(frozen=True)
class Requests:
    """The model decides whether to ask for help, and says what it needs; the run answers; the model reads.

    Attributes:
        read: Answers a problem once what was found stands before its prompt.
        max_requests: Most requests per problem.
    """

    read: Callable[[Node], Awaitable[Answer]]
    max_requests: int

    async def is_wanted(self, node: Node) -> bool:
        """Ask whether help would settle the problem; not asked when the run offers none."""
        offers = await _offers(node)
        if not offers:
            return False
        prompt = load("can-use-external")
        names = ", ".join(tool.name for tool in offers)
        turns = case_turns(
            prompt, is_chat=node.problem.is_chat, facts=node.facts, question=node.problem.question, help=names
        )
        written = await node.services.generate(turns, purpose="external?", max_tokens=8, stop=prompt.stop)
        return says_yes(written.text)

    async def is_offered(self, node: Node) -> bool:
        """Whether the run offers any help."""
        return bool(await _offers(node))

    async def solve(self, node: Node) -> Answer:
        """Generate the requests, answer them at once, remember what was found, read it."""
        requests = await self._generate_requests(node)
        answered = await together(_answered(node, request) for request in requests)
        found = [(request.text, text) for request, text in zip(requests, answered, strict=True) if text.strip()]
        for request, text in found:
            node.services.remember(request, text)
        lines = [f"{request} = {from_memory(node.services, request, text)}" for request, text in found]
        return await self.read(with_known(node, lines))

    async def _generate_requests(self, node: Node) -> tuple[Request, ...]:
        prompt, offers = load("requests"), await _offers(node)
        lines = "\n".join(f"{t.name}[{next((p.name for p in t.parameters), '')}]: {t.description}" for t in offers)
        names = {tool.name for tool in offers}
        # Small models call whatever an example calls, so only what is offered is shown, if there is any of it.
        shown = [e for e in prompt.examples if e.reply.split("\n")[-1].partition("[")[0] in names]
        turns = case_turns(
            prompt,
            is_chat=node.problem.is_chat,
            examples=shown or prompt.examples,
            facts=node.facts,
            question=node.problem.question,
            help=lines,
        )
        written = await node.services.generate(turns, purpose="requests", max_tokens=MAX_TOKENS, stop=prompt.stop)
        return parse_requests(written.text, offers, max_requests=self.max_requests)


async def _offers(node: Node) -> Sequence[ToolDescription]:
    """The tools for a problem, search among them, that a prompt has room for."""
    found = await node.services.find_tools(node.problem.question)
    return [tool for tool in found if tool.name not in OF_THE_MEMORY]


async def _answered(node: Node, request: Request) -> str:
    """What knowledge base or tools say to a request; "" when they can't say anything.

    A request that names no tool goes to the knowledge base, and where there is none to the tool nearest to its words.
    """
    services = node.services
    if request.call is not None:
        result = await services.call_tool(request.call.tool, request.call.arguments, purpose="request")
        return "" if result.error is not None else result.text
    if services.has_retriever:
        hits = await services.retrieve(request.text, purpose="request")
        return "\n".join(hit.document.as_text() for hit in hits)
    nearest = await services.find_tools(request.text, top_k=1)
    if len(nearest) != 1 or not nearest[0].parameters:  # several: the run has no ranking, and none is the nearest
        return ""
    (tool,) = nearest
    result = await services.call_tool(tool.name, {tool.parameters[0].name: request.text}, purpose="request")
    return "" if result.error is not None else result.text
