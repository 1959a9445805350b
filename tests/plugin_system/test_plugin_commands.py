"""`lottery plugins`, and how the command ends."""

import json

import pytest

from lottery_plugins.cli import main
from lottery_plugins.discovery import discover


def test_list_as_json_has_every_plugin_with_its_options(capsys):
    assert main(["plugins", "list", "--json"]) == 0
    told = {(p["kind"], p["name"]): p for p in json.loads(capsys.readouterr().out)}
    assert set(told) == {(p.kind, p.name) for p in discover().plugins()}
    (sparsity,) = [o for o in told["compression", "wanda"]["options"] if o["name"] == "sparsity"]
    assert sparsity["type"] == "float"
    assert sparsity["help"]


def test_list_of_one_kind_has_nothing_else(capsys):
    assert main(["plugins", "list", "--kind", "tool", "--json"]) == 0
    assert {p["name"] for p in json.loads(capsys.readouterr().out)} >= {"calculator", "python"}


def test_show_tells_options_source_and_distribution(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["plugins", "show", "wanda"]) == 0
    shown = capsys.readouterr().out
    assert "sparsity" in shown
    assert "lottery-plugins" in shown
    assert "2306.11695" in shown


def test_show_of_an_unknown_plugin_is_one_sentence_and_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["plugins", "show", "calculater"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "Did you mean 'calculator'" in told
    assert "Traceback" not in told


def test_doctor_finds_nothing_wrong_with_the_built_ins(capsys, monkeypatch):
    monkeypatch.setenv("LOTTERY_PLUGINS_LOAD", "")
    assert main(["plugins", "doctor"]) == 0
    assert "all is well" in capsys.readouterr().out


def test_every_built_in_has_a_summary_and_help_for_each_option():
    for plugin in discover(environ={"LOTTERY_PLUGINS_LOAD": ""}).plugins():
        assert plugin.cls.summary, plugin.name


def test_help_imports_no_heavy_library(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "quickstart" in capsys.readouterr().out
