"""The families whose prompts begin with solved examples, and knobs that make them hard."""

import importlib
from pathlib import Path

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
