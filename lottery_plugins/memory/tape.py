"""`tape`: the memory of a Turing machine, addressed cells and a head, worked by commands that the model writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.memory.rendering import newest_lines
from lottery_plugins.memory.tape_commands import HELP, Address, Command, parse_address, parse_command
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.trajectory import ToolResult

__all__ = ["Tape", "TapeStore"]

_NAME = "tape"
_COMMANDS = (ToolDescription(_NAME, f"Work the tape. {HELP}", (Parameter("command", "string", "one command a line"),)),)


@dataclass(frozen=True)
class Tape:
    """Cells by number or name and a head, worked by READ, WRITE, COPY, MOV and JUMP: see `memory.tape_commands`.

    The model calls the tool `tape` with one command a line. They are carried out in order; READ answers with the
    text of the cell, the others with what they did. The first line that can't be carried out ends the call with an
    error that names it; what stood before it is done. A cell that was never written, or was moved from, reads as
    `blank`; writing `blank` empties a cell. A READ or WRITE does not move the head.

    A full tape refuses a command that needs another cell. `remember` never fails: there the oldest other cell gives
    way, and a text that is too long is cut.

    Raises:
        ConfigError: If a limit is below 1 or `blank` has a line break.

    Deviation: Schuurmans' parser reads assignments and `@[...]` only, and his program lies in the memory as well. Here
        the operations that the Lottery LLM paper lists (arXiv:2502.17535, ability 4) are commands of their own, JUMP
        moves the head, and control stays with the reasoner.
    """

    name: ClassVar[str] = "tape"
    summary: ClassVar[str] = "Give the model the tape of a Turing machine: cells, a head, and five exact commands."
    source: ClassVar[str] = "Schuurmans 2023, arXiv:2301.04589"
    scope: ClassVar[Literal["problem", "run"]] = "problem"

    max_cells: int = option(4096, "most cells that are not blank", unit="cells", allowed="at least 1")
    max_chars: int = option(2000, "longest text of a cell", unit="characters", allowed="at least 1")
    max_commands: int = option(256, "most commands of one call", unit="commands", allowed="at least 1")
    blank: str = option("empty", "what an empty cell reads as")

    def __post_init__(self) -> None:
        for name in ("max_cells", "max_chars", "max_commands"):
            if getattr(self, name) < 1:
                raise ConfigError(f"memory: tape.{name}", getattr(self, name), "a whole number from 1")
        if "\n" in self.blank:
            raise ConfigError("memory: tape.blank", self.blank, "a text of one line")

    def open(self) -> TapeStore:
        """A new, blank tape with the head on cell 0."""
        return TapeStore(self)


@dataclass(slots=True)
class TapeStore:
    """One tape. Cells and keys are the same: `write("12", ...)` fills cell 12.

    Attributes:
        commands: The tool `tape`.
        head: Number of the cell under the head.
    """

    options: Tape
    commands: tuple[ToolDescription, ...] = _COMMANDS
    head: int = 0
    _cells: dict[str, str] = field(default_factory=dict)

    def command(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Carry out the lines of a call.

        Raises:
            ToolError: A line can't be carried out; names it. The lines before it are done.
        """
        text = arguments.get("command")
        if name != _NAME or not isinstance(text, str):
            raise ToolError(name, "command is missing or not a text", f"Send it as a text. {HELP}")
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            raise ToolError(_NAME, "there is no command", HELP)
        if len(lines) > self.options.max_commands:
            problem = f"{len(lines)} commands are too many"
            raise ToolError(_NAME, problem, f"Send at most {self.options.max_commands} at a time.", category="limit")
        return ToolResult("\n".join(self._carry_out(line) for line in lines))

    # ------------------------------------------------------------------ as any memory

    def write(self, key: str, value: str) -> None:
        """Fill the cell of that name; the oldest other cell gives way on a full tape, a long text is cut."""
        self._cells[key] = value[: self.options.max_chars]
        if len(self._cells) > self.options.max_cells:
            del self._cells[next(cell for cell in self._cells if cell != key)]

    def read(self, key: str) -> str | None:
        """The text of a cell; None when it is blank."""
        return self._cells.get(key)

    def keys(self) -> Sequence[str]:
        """Cells that are not blank, in the order in which they were filled."""
        return tuple(self._cells)

    def render(self, max_chars: int | None = None) -> str:
        """A line "cell: text" per cell, in that order, and where the head is when that is not cell 0."""
        lines = [f"{cell}: {text}" for cell, text in self._cells.items()]
        return newest_lines(lines + ([f"@ is cell {self.head}"] if self.head else []), max_chars)

    # ------------------------------------------------------------------ the five operations

    def _carry_out(self, line: str) -> str:
        command = parse_command(line)
        if command is None:
            raise ToolError(_NAME, f"cannot read the command {_short(line)!r}", HELP)
        cell = self._cell(command.cell, line)
        if command.verb == "READ":
            return self._text(cell)
        if command.verb == "JUMP":
            return self._jump(cell, line)
        if command.verb == "WRITE":
            self._put(cell, command.text, line)
            return f"{cell}: {self._text(cell)}"
        return self._transfer(command, cell, line)

    def _transfer(self, command: Command, cell: str, line: str) -> str:
        """COPY or MOV. Onto itself, both leave the cell as it is."""
        target = self._cell(command.target, line) if command.target else cell
        text = self._cells.get(cell)
        if command.verb == "MOV" and target != cell:
            self._cells.pop(cell, None)  # first, so that a full tape can be moved on
        self._put(target, self.options.blank if text is None else text, line)
        return f"{target}: {self._text(target)}"

    def _jump(self, cell: str, line: str) -> str:
        try:
            self.head = int(cell)
        except ValueError:
            problem = f"cannot jump to the named cell {cell!r} in {_short(line)!r}"
            raise ToolError(_NAME, problem, "The head stands on numbered cells.") from None
        return f"@ is cell {self.head}"

    def _put(self, cell: str, text: str, line: str) -> None:
        if text == self.options.blank:
            self._cells.pop(cell, None)
            return
        if len(text) > self.options.max_chars:
            problem = f"{_short(line)!r} writes {len(text)} characters"
            raise ToolError(_NAME, problem, f"A cell holds {self.options.max_chars}.", category="limit")
        if cell not in self._cells and len(self._cells) >= self.options.max_cells:
            problem = f"there is no cell left for {_short(line)!r}"
            raise ToolError(_NAME, problem, "Empty one first.", category="limit")
        self._cells[cell] = text

    def _text(self, cell: str) -> str:
        return self._cells.get(cell, self.options.blank)

    def _cell(self, address: Address, line: str) -> str:
        """The key of the cell that an address means now."""
        cell = self._direct(address)
        for _ in range(address.depth):
            found = parse_address(self._text(cell).strip()) if cell in self._cells else None
            if found is None or found.depth:
                problem = f"cell {cell} holds {_short(self._text(cell))!r}, which names no cell, in {_short(line)!r}"
                raise ToolError(_NAME, problem, "@[a] needs a number or a name in cell a.")
            cell = self._direct(found)
        return cell

    def _direct(self, address: Address) -> str:
        if address.kind == "name":
            return address.name
        return str(address.number + (self.head if address.kind == "head" else 0))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
