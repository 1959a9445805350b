"""The forms in which methods ask, told by what a prompt ends with, and how the model answers each.

A method whose form is not here gets a direct answer: the number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from benchmarks.reasoners.oracle import Thought
from benchmarks.reasoners.questions import Term, parse

_EQUATION = re.compile(r"(?<![\w(])([(]?[\w(][\w()+* -]*?) = (-?\d+)")


def reply_to(thought: Thought) -> str:
    """What the model writes."""
    return next((form for end, form in FORMS if re.search(rf"(?:{end})\Z", thought.prompt)), direct)(thought)


def direct(thought: Thought) -> str:
    """The number alone."""
    return f" {thought.result(thought.target)}"


def reason(thought: Thought) -> str:
    """All steps, written down, and the answer."""
    results = thought.worked_out(thought.target, written=True)
    steps = " ".join(f"{term.text} = {value}." for term, value in results.items())
    return f" {steps} The answer is {thought.result(thought.target, written=True)}."


def next_step(thought: Thought) -> str:
    """One step more."""
    return next(_open_steps(thought), direct(thought))


def next_steps(thought: Thought) -> str:
    """Different next steps, one a line, behind the "1." that the prompt gives."""
    return "\n".join(f"{'' if i == 1 else f'{i}.'}{step}" for i, step in enumerate(_open_steps(thought), 1))


def conclude(thought: Thought) -> str:
    """The result that was reached: said as the answer, or stated for the whole term; else worked out."""
    said = re.findall(r"answer is (-?\d+)", thought.prompt.rpartition("Question:")[2])
    return f" {said[-1]}." if said else f" {thought.result(thought.target)}."


def program(thought: Thought) -> str:
    """An expression inside of `print(`."""
    return f"{thought.expression(thought.target)})"


def act(thought: Thought) -> str:
    """The next turn of ReAct: look up, compute, finish."""
    talk = thought.prompt.rpartition("Question:")[2]
    unknown = [name for name in thought.target.names() if not thought.knows(name)]
    computed = re.findall(r"Action: calculator\[[^\n]*\]\nObservation: (-?\d+)", talk)
    if unknown and "search[query]" in thought.prompt and "Action: search" not in talk:
        return f" I look for {unknown[0].atom}.\nAction: search[{unknown[0].atom}]"
    if computed:
        return f" I know the answer now.\nAction: Finish[{computed[-1]}]"
    if "calculator[" in thought.prompt.rpartition("Question:")[0]:
        return f" I compute it.\nAction: calculator[{thought.expression(thought.target).strip()}]"
    return f"{reason(thought)}\nAction: Finish[{thought.result(thought.target, written=True)}]"


def ask_itself(thought: Thought) -> str:
    """The next follow-up question, or the final answer when nothing is left to ask."""
    begun = thought.prompt.endswith("needed here:")
    unknown = [name for name in thought.target.names() if not thought.knows(name)]
    left = [*unknown, *(t for t in thought.target.operations() if thought.stated(t) is None)]
    if len(left) > (0 if unknown else 1):
        return f"{' Yes.' if begun else ''}\nFollow up: Work out {thought.shortened(left[0])}."
    return f"{' No.' if begun else ''}\nSo the final answer is: {thought.result(thought.target)}"


def answer_follow_up(thought: Thought) -> str:
    """The number that the last follow-up question asks for."""
    asked = thought.last(r"Follow up: Work out ([^.?\n]+)\.") or thought.target
    return f" {thought.result(asked)}"


def parts(thought: Thought) -> str:
    """Smaller questions, one a line, behind the "1." that the prompt gives."""
    smaller = list(thought.target.operations())[:-1]
    return "\n".join(f"{'' if i == 1 else f'{i}.'} Work out {term.text}." for i, term in enumerate(smaller, 1))


def schedule(thought: Thought) -> str:
    """Smaller questions with what each needs."""
    smaller = list(thought.target.operations())[:-1]
    lines = []
    for number, term in enumerate(smaller, 1):
        needs = [str(smaller.index(part) + 1) for part in term.parts if part in smaller]
        lines.append(
            f"{'' if number == 1 else f'{number}.'} Work out {term.text}. (needs {', '.join(needs) or 'none'})"
        )
    return "\n".join(lines)


def draft(thought: Thought) -> str:
    """Whole sentences, or that a name is not known."""
    unknown = [name for name in thought.target.names() if not thought.knows(name)]
    if unknown and thought.succeeds("admits it"):
        return f" I do not know the value of {unknown[0].atom}."
    names = "".join(f" The value of {n.atom} is {thought.of_name(n)}." for n in thought.target.names())
    return f"{names} The answer is {thought.result(thought.target)}."


def is_certain(thought: Thought) -> str:
    """Whether all names in the question are known; what the draft says of them does not count."""
    own = Thought(_QUESTION_ONLY.format(thought.target.text), 0, thought.skill, thought.world)
    return _yes(all(own.knows(n) for n in own.target.names()) == thought.succeeds("certain"))


def is_right(thought: Thought) -> str:
    """Whether a proposed answer is right."""
    proposed = re.findall(r"Proposed answer:[^\n]*?(-?\d+)[^\n\d]*\n", thought.prompt)
    return _yes(bool(proposed) and thought.finds_right([(thought.target, int(proposed[-1]))]))


def rating(thought: Thought) -> str:
    """10 for reasoning without a mistake, 1 for another."""
    return " 10" if thought.finds_right(_equations(thought.prompt.rpartition("Reasoning:")[2])) else " 1"


def choice(thought: Thought) -> str:
    """The number of the first line of reasoning that is found right."""
    lines = re.split(r"\n(?=\d+\. )", thought.prompt.rpartition("Choices:")[2].strip("\n"))
    right = (i for i, line in enumerate(lines, 1) if thought.finds_right(_equations(line)))
    return f" {next(right, 1)}"


def wants_help(thought: Thought) -> str:
    """Whether what is listed as help would help."""
    offered = thought.prompt.rpartition("Help:")[2].partition("Question:")[0]
    unknown = any(not thought.knows(name) for name in thought.target.names())
    helps = ("search" in offered and unknown) or "calculator" in offered
    return _yes(helps == thought.succeeds("help"))


def wants_division(thought: Thought) -> str:
    """Whether more than one operation is left to do."""
    left = [term for term in thought.target.operations() if thought.stated(term) is None]
    return _yes((len(left) > 1) == thought.succeeds("division"))


def requests(thought: Thought) -> str:
    """What to look up and to compute."""
    offered = thought.prompt.rpartition("Help:")[2].partition("Question:")[0]
    unknown = [name for name in thought.target.names() if not thought.knows(name)]
    lines = [f"search[{name.atom}]" for name in unknown if "search[" in offered]
    if not lines and "calculator[" in offered:
        lines.append(f"calculator[{thought.expression(thought.target).strip()}]")
    return "\n".join(lines) or "none"


FORMS: tuple[tuple[str, Callable[[Thought], str]], ...] = (
    (r"Let's think step by step\.|Looking at all solutions,", reason),
    (r"Let's think step by step\.(?:\nStep \d+: [^\n]*)*\nStep \d+:", next_step),
    (r"Therefore, the answer is", conclude),
    (r"\bprint\(", program),
    (r"Thought:", act),
    (r"Finish\[", lambda thought: conclude(thought).strip(" .") + "]"),
    (r"Are follow up questions needed here:|Intermediate answer: [^\n]+", ask_itself),
    (r"Intermediate answer:", answer_follow_up),
    (r"So the final answer is:", direct),
    (r"first answer:\n1\.", parts),
    (r"Possible next steps:\n1\.", next_steps),
    (r"\n1\.", schedule),
    (r"I do not know\.\nQuestion: [^\n]*\nAnswer:", draft),
    (r"for certain[^\n]*\nYes or no:", is_certain),
    (r"Proposed answer: [^\n]*\nIs it right\?", is_right),
    (r"Rating:", rating),
    (r"Best choice:", choice),
    (r"Use the help:", wants_help),
    (r"Several steps:", wants_division),
    (r"Requests:\n", requests),
)
"""What a prompt ends with, first match; and the form of the answer."""

_QUESTION_ONLY = "Question: Work out {}."


def _open_steps(thought: Thought) -> Iterator[str]:
    """Each operation that could be next, as a step; the last one says the answer."""
    whole = thought.target
    for term in whole.operations():
        if thought.stated(term) is None and all(thought.stated(p) is not None for p in term.parts if p.sign):
            value = thought.result(term, written=True)
            yield f" {term.text} = {value}." + (f" The answer is {value}." if term == whole else "")
    if thought.stated(whole) is not None:
        yield f" The answer is {thought.stated(whole)}."


def _equations(text: str) -> list[tuple[Term, int]]:
    """The results that a text states."""
    found = ((parse(left), int(right)) for left, right in _EQUATION.findall(text))
    return [(term, value) for term, value in found if term is not None and term.sign]


def _yes(is_yes: bool) -> str:
    return " yes" if is_yes else " no"
