"""The families whose prompts begin with solved examples, and for each what a blind answerer would say."""

import importlib
import re
from pathlib import Path

from lottery_plugins.tasks.machines.programs import EMPTY
from lottery_plugins.tasks.machines.symbols import WORDS
from lottery_plugins.tasks.planning.execution import names_in

TASK_YAML = Path(__file__).parents[2] / "task_yaml"
FAMILIES = {
    "machines.automata": "lottery_automata",
    "machines.containers": "lottery_containers",
    "machines.programs": "lottery_programs",
    "machines.sorting": "lottery_sorting",
    "machines.strings": "lottery_strings",
    "machines.turing": "lottery_turing",
    "planning.courses": "lottery_courses",
    "planning.delegation": "lottery_delegation",
    "planning.hanoi": "lottery_hanoi",
    "planning.routes": "lottery_routes",
    "planning.schedule": "lottery_schedule",
    "resources.known_unknown": "lottery_known_unknown",
    "resources.tool_choice": "lottery_tool_choice",
}
HARD = {
    "machines.automata": {"automata_states": 12, "automata_steps": 50},
    "machines.containers": {"containers_steps": 60},
    "machines.programs": {"programs_steps": 40, "programs_cells": 20},
    "machines.sorting": {"sorting_items": 40},
    "machines.strings": {"strings_letters": 60, "strings_steps": 30},
    "machines.turing": {"turing_machines": [2, 4, 5], "turing_steps": 100, "turing_cells": 40},
    "planning.courses": {"courses_semesters": 6, "courses_width": 6},
    "planning.delegation": {"delegation_subtasks": 10, "delegation_idle": 20},
    "planning.hanoi": {"hanoi_disks": 5, "hanoi_moves": 20},
    "planning.routes": {"routes_roads": 10, "routes_detours": 20},
    "planning.schedule": {"schedule_steps": 20, "schedule_extra": 20},
    "resources.known_unknown": {"known_tiers": 2},
    "resources.tool_choice": {"choice_tools": 19},
}


def module_of(name):
    return importlib.import_module(f"lottery_plugins.tasks.{name}")


def rows(name, **metadata):
    return list(module_of(name).build(**metadata)["test"])


def hard_knobs(name):
    return HARD[name]


def of_question(symbols):
    """One of the symbols that the question names."""
    return lambda rng, row: rng.choice(sorted(set(names_in(row["question"], symbols))))


def one_of(field):
    return lambda rng, row: rng.choice(row[field])


def blind_plan(rng, row):
    tools = rng.sample(row["tools"], row["subtasks"])
    return ", ".join(f"{tool['makes']}: {tool['name']}" for tool in tools)


def blind_moves(rng, row):
    return ", ".join(f"disk {rng.between(1, row['disks'])} to {rng.choice(row['pegs'])}" for _ in range(row["moves"]))


def blind_way(rng, row):
    between = [place for place in row["places"] if place not in (row["from"], row["to"])]
    return ", ".join([row["from"], *rng.sample(between, row["roads"] - 1), row["to"]])


def blind_terms(rng, row):
    order = rng.shuffled(row["courses"])
    terms = [order[i : i + row["width"]] for i in range(0, len(order), row["width"])]
    return "; ".join(f"semester {i}: {', '.join(term)}" for i, term in enumerate(terms, 1))


def blind_sorted(rng, row):
    return ", ".join(rng.sample(row["list"], len(row["sorted"])))


def blind_letters(rng, row):
    return " ".join(rng.shuffled(re.findall(r"\b[a-z]\b", row["question"]))[: len(row["letters"])])


def blind_machine(rng, row):
    if row["template"] == "rule":
        return rng.choice(re.findall(r"\w+ \w: \w (?:left|right) \w+", row["question"]))
    return rng.choice(row["states" if row["template"] == "state" else "tape_symbols"])


BLIND = {
    "machines.automata": one_of("states"),
    "machines.containers": of_question(WORDS),
    "machines.programs": of_question([*WORDS, EMPTY]),
    "machines.sorting": blind_sorted,
    "machines.strings": blind_letters,
    "machines.turing": blind_machine,
    "planning.courses": blind_terms,
    "planning.delegation": blind_plan,
    "planning.hanoi": blind_moves,
    "planning.routes": blind_way,
    "planning.schedule": lambda rng, row: ", ".join(rng.shuffled(row["steps"])),
    "resources.known_unknown": lambda rng, row: "unknown",
    "resources.tool_choice": lambda rng, row: "none",
}
