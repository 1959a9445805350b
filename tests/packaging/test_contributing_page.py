"""The hook table of CONTRIBUTING.md against the hook specifications, and its example against the contract."""

import inspect
import re
from pathlib import Path

import pytest

from lottery_plugins.hookspecs import LotterySpecs

PAGE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(lottery_\w+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
HOOKS = {
    name: hook for name, hook in inspect.getmembers(LotterySpecs, inspect.isfunction) if name.startswith("lottery_")
}


def test_every_hook_is_in_the_table_once_and_no_other():
    assert sorted(name for name, _, _ in ROW.findall(PAGE)) == sorted(HOOKS)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_the_table_names_the_hooks_arguments_and_begins_as_its_docstring(name):
    arguments, purpose = next((a, p) for n, a, p in ROW.findall(PAGE) if n == name)
    wanted = [parameter for parameter in inspect.signature(HOOKS[name]).parameters if parameter != "self"]
    assert re.findall(r"`(\w+)`", arguments) == wanted
    assert inspect.getdoc(HOOKS[name]).startswith(purpose.strip())


def test_the_example_tool_is_a_package_that_keeps_its_contract(tmp_path, monkeypatch):
    module, entry_point, test = re.findall(r"```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert 'shout = "lottery_shout"' in entry_point
    (tmp_path / "lottery_shout.py").write_text(module)
    (tmp_path / "contract_of_shout.py").write_text(test)
    monkeypatch.syspath_prepend(tmp_path)
    import contract_of_shout

    contract_of_shout.test_contract()
    assert contract_of_shout.Shout(marks=3).call({"text": "hi"}).text == "HI!!!"
