"""A tool of ours as a LangChain tool."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, Field, WithJsonSchema, create_model

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Tool, ToolDescription

__all__ = ["LotteryTool", "as_langchain_tool"]


class LotteryTool(BaseTool):
    """A tool of ours that LangChain can call; made by `as_langchain_tool`.

    What our tools tell the model, such as that an argument can't be read, is a `ToolException`. LangChain hands its
    text to the model too, since `handle_tool_error` is set; set it to False to have it raised. Our deadlines and worker
    processes are the run's, so there are none here.

    Attributes:
        tool: The tool.
    """

    tool: Any

    def _run(self, *bare: Any, **arguments: Any) -> str:
        if bare:  # a text alone is the first argument
            arguments = {self.tool.description.parameters[0].name: bare[0]}
        try:
            result = self.tool.call({name: value for name, value in arguments.items() if value is not None})
        except ToolError as error:
            raise ToolException(str(error)) from error
        if result.error is not None:
            raise ToolException(result.text)
        return str(result.text)


def as_langchain_tool(tool: Tool) -> LotteryTool:
    """Hand a tool to LangChain, under the name and with the description and arguments that our models see."""
    described = tool.description
    return LotteryTool(
        name=described.name,
        description=described.description,
        args_schema=_arguments_of(described),
        handle_tool_error=True,
        handle_validation_error=True,
        tool=tool,
    )


def _arguments_of(described: ToolDescription) -> type[BaseModel]:
    """A pydantic model that shows the parameters' own JSON schemas.

    It checks that required arguments are there and nothing else: our tools judge what a model wrote by themselves, and
    say more about it.
    """
    fields: dict[str, Any] = {
        parameter.name: (
            Annotated[Any, WithJsonSchema(parameter.to_schema())],
            Field(default=... if parameter.required else None, description=parameter.description),
        )
        for parameter in described.parameters
    }
    title = "".join(word.capitalize() for word in described.name.replace("-", "_").split("_"))
    model: type[BaseModel] = create_model(f"{title}Arguments", **fields)
    return model
