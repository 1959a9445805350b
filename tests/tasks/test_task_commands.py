"""`lottery new-task` makes a folder that passes, and `lottery check-task` says what is wrong with one that does not."""

import logging

import pytest

from lottery_plugins.cli import main
from lottery_plugins.testing.contracts.task import check_task


@pytest.fixture
def folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    assert main(["new-task", "my_task", "--ability", "planning"]) == 0
    told = capsys.readouterr().out
    assert "lottery check-task my_task" in told
    assert "--include_path my_task" in told
    return tmp_path / "my_task"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_new_task_passes_at_once_by_command_and_by_its_own_test(folder, capsys):
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "my_task.py",
        "my_task.yaml",
        "test_my_task.py",
    ]
    assert main(["check-task", str(folder)]) == 0
    assert "my_task: 12 rules kept" in capsys.readouterr().out
    assert not logging.root.manager.disable
    code = (folder / "test_my_task.py").read_text()
    assert 'check_task("my_task", include_path=Path(__file__).parent)' in code
    check_task("my_task", include_path=folder)


def test_new_task_leaves_what_exists_alone(folder, capsys):
    before = (folder / "my_task.py").read_text()
    with pytest.raises(SystemExit):
        main(["new-task", "my_task"])
    assert "exists already" in capsys.readouterr().err
    assert (folder / "my_task.py").read_text() == before


@pytest.mark.parametrize("name", ["My_task", "my-task", "../up", "class", "a", "9lives", "x" * 50, ""])
def test_new_task_refuses_what_can_be_no_task_and_module(name, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["new-task", name, "--dir", str(tmp_path / "here")])
    assert ended.value.code == 2
    assert "NAME" in capsys.readouterr().err
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "said"),
    [
        ("my_task.yaml", "chance: 0.225", "chance: 0.5", "chance", "blind guesses score 0.225"),
        ("my_task.yaml", "[people, template]", "[people, question]", "axes", "levels"),
        ("my_task.yaml", "axes: [people, template]", "axes: people", "axes", "must be a list"),
        ("my_task.yaml", "my_task.score", "my_task.scores", "loads", "has no function 'scores'"),
        ("my_task.py", '"hide": (', '"keep": (', "templates", "only 2 templates"),
        ("my_task.py", "results[0], [doc", '"", [doc', "gold", "scores {'acc': 0.0}"),
        ("my_task.py", ", ROOMS)", ")", "junk", "a listing of all answers scores"),
        ("my_task.py", "rng.shuffled(said)", "said[0] / 2", "loads", "my_task.py, line"),
        ("my_task.py", "names[0], thing=things[0]", "names[0], thing=rooms[0]", "documents", "holds its answer"),
        ("README.md", "my_task", "another", "readme", "does not name my_task"),
    ],
)
def test_check_task_names_the_broken_rule_and_what_to_do(folder, capsys, file, old, new, rule, said):
    change(folder / file, old, new)
    assert main(["check-task", str(folder)]) == 1
    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if line.startswith("✗"))
    assert line.split()[1] == rule
    assert said in line


def test_check_task_takes_a_name_or_one_file(folder, capsys):
    other = folder / "other.yaml"
    other.write_text((folder / "my_task.yaml").read_text().replace("task: my_task", "task: other_task"))
    assert main(["check-task", str(folder / "my_task.yaml")]) == 0
    assert "other_task" not in capsys.readouterr().out
    assert main(["check-task", "other_task", "--include-path", str(folder), "--num-docs", "3"]) == 1
    told = capsys.readouterr().out
    assert "does not name other_task" in told
    assert "other_task: 11 rules kept, 1 broken" in told


def test_check_task_says_what_it_did_not_check(folder, capsys):
    change(folder / "my_task.yaml", "    axes: [people, template]", "   ")
    change(folder / "my_task.yaml", "    candidates: candidates", "   ")
    assert main(["check-task", str(folder)]) == 0
    told = capsys.readouterr().out
    assert told.count("not checked: ") == 3
    assert "9 rules kept, 3 not checked" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lottery_arithmetik"], "Did you mean 'lottery_arithmetic'"),
        (["."], "holds no task"),
        (["lottery_arithmetic", "--num-docs", "0"], "--num-docs"),
        (["lottery_arithmetic", "--metadata", "num_docs=3"], "JSON"),
        (["lottery_arithmetic", "--metadata", "[3]"], "JSON"),
    ],
)
def test_check_task_refuses_in_one_sentence(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["check-task", *words])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_check_task_hands_knobs_to_the_task(folder, capsys):
    assert main(["check-task", str(folder), "--metadata", '{"my_task_people": [2]}']) == 1
    assert "blind guesses score 0.500, the file says 0.225" in capsys.readouterr().out
