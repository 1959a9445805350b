"""Stand-ins for modules of lm-eval and of ours."""

from types import ModuleType


def module_of(name, **content):
    module = ModuleType(name)
    vars(module).update(content)
    return module
