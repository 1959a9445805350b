"""The study file: what it means, and one sentence for every mistake."""

import pytest
from search_plans import PRUNED, plan

from lottery_plugins.errors import ConfigError, DataError, PluginNotFoundError
from lottery_plugins.search.plan import read_plan
from lottery_plugins.search.session import check_names, too_few
from lottery_plugins.search.split import Split


def test_a_ticket_is_what_all_share_then_its_choices_then_what_its_task_adds():
    made = plan(
        ticket={"pretrained": "small", "dtype": "float32"},
        tasks={"one": {"ticket": {"max_calls": 3}}, "two": None},
    )
    point = {"compression": "wanda:sparsity=0.1..0.5", "compression.wanda:sparsity=0.1..0.5.wanda.sparsity": 0.3}
    ticket = made.ticket_at({**point, "augmentation": "helped"})
    shared = {"pretrained": "small", "dtype": "float32", "compression": "wanda:sparsity=0.3"}
    assert ticket.model_args["one"] == {**shared, "max_calls": 3}
    assert ticket.model_args["two"] == {**shared, "retriever": "bm25", "reasoner": "react"}
    assert ticket.name == "compression=wanda:sparsity=0.3, augmentation=helped"
    assert made.original_ticket().model_args["one"] == {"pretrained": "made-up"}


def test_tickets_are_the_original_with_the_choices_where_nothing_else_is_said():
    ticket = plan().ticket_at({"compression": "none", "augmentation": "plain"})
    assert ticket.model_args == {"one": {"pretrained": "made-up"}, "two": {"pretrained": "made-up"}}


def test_the_space_holds_every_choice_with_every_number_of_its_ranges_once():
    points = list(plan().points())
    assert len(points) == plan().num_points == (1 + 1 + 5) * 2
    assert len({plan().ticket_at(point).key for point in points}) == len(points)
    values = sorted({v for p in points for name, v in p.items() if name.endswith("sparsity")})
    assert values == [0.1, 0.2, 0.3, 0.4, 0.5]  # and not 0.30000000000000004


def test_a_range_may_stand_inside_a_composition():
    made = plan(space={"compression": [["int8", PRUNED]]})
    names = [made.ticket_at(p).model_args["one"]["compression"] for p in made.points()]
    assert names[:2] == ["int8+wanda:sparsity=0.1", "int8+wanda:sparsity=0.2"]


def test_a_dimension_may_be_a_range_of_whole_numbers():
    made = plan(space={"max_calls": {"low": 2, "high": 8, "step": 3}})
    assert [made.ticket_at(p).model_args["one"]["max_calls"] for p in made.points()] == [2, 5, 8]


SPACE = plan().dimensions and {"compression": ["none", "int8"]}
MISTAKES = [
    ({"orignal": {}}, "Did you mean 'original'"),
    ({"original": None}, "original"),
    ({"original": {}}, "pretrained"),
    ({"tasks": []}, "tasks"),
    ({"tasks": {"one": {"marign": 0.1}}}, "Did you mean 'margin'"),
    ({"tasks": {"one": {"documents": 0}}}, "tasks.one: documents"),
    ({"margin": 2}, "margin"),
    ({"margin": "0.05"}, "margin"),
    ({"space": {}}, "space"),
    ({"space": {"compression": "int8"}}, "compression: [...]"),
    ({"space": {"compression": ["int8", "int8"]}}, "each once"),
    ({"space": {"compression": [{"wanda": {"sparsity": {"low": 0.1, "high": 0.5, "step": 0.3}}}]}}, "whole steps"),
    ({"space": {"compression": [{"wanda": {"sparsity": {"low": 0.5, "high": 0.1, "step": 0.1}}}]}}, "whole steps"),
    ({"space": {"compression": [{"wanda": {"sparsity": {"low": 0.1, "hihg": 0.5}}}]}}, "Did you mean 'high'"),
    ({"space": {"compression": [{"wanda": {"sparsity": {"low": "a", "high": 1}}}]}}, "low"),
    ({"space": {"max_calls": {"low": 1, "high": 3, "step": 0}}}, "whole steps"),
    ({"space": {"max_calls": [[1]]}}, "a text, a number"),
    ({"space": {**SPACE, "augmentation": {"a": {"compression": "int8"}}}}, "no dimension of the space"),
    ({"space": {**SPACE, "augmentation": {"a": {"reasonr": "react"}}}}, "Did you mean 'reasoner'"),
    ({"space": {**SPACE, "augmentation": {"a": {"one": {"tool": "python"}}}}}, "Did you mean 'tools'"),
    ({"objectives": ["price"]}, "score, bytes, tokens"),
    ({"objectives": []}, "each once"),
    ({"cheapest": "byte"}, "Did you mean 'bytes'"),
    ({"budget": {}}, "trials"),
    ({"budget": {"trials": True}}, "whole number"),
    ({"budget": {"hours": 1}}, "one of trials"),
    ({"sampler": "bayes"}, "additive, tpe, nsga2, random"),
    ({"seed": -1}, "seed"),
    ({"alpha": 0.6}, "alpha"),
    ({"stop_dearer": "yes"}, "true, false"),
    ({"apply_chat_template": 1}, "true, false"),
    ({"metadata": [1]}, "metadata"),
]


@pytest.mark.parametrize(("change", "words"), MISTAKES, ids=[str(change)[:60] for change, _ in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(change, words):
    with pytest.raises(ConfigError) as told:
        plan(**change)
    assert words in str(told.value)
    assert "study" in str(told.value)


def test_a_file_that_is_not_there_or_no_yaml_is_told(tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        read_plan(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(DataError, match="is no YAML"):
        read_plan(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- a")
    with pytest.raises(ConfigError, match=r"list\.yaml"):
        read_plan(tmp_path / "list.yaml")


def test_a_misspelt_plugin_is_told_before_the_search():
    with pytest.raises(PluginNotFoundError, match="int8"):
        check_names(plan(space={"compression": ["none", "itn8"]}))
    check_names(plan())


def test_a_part_too_small_for_its_margin_is_told_with_the_number_that_would_do():
    made = plan()
    notes = too_few(made, Split({"one": range(51)}, {"one": range(52)}, {"one": 0.05}))
    assert len(notes) == 1
    assert "documents: 51" in notes[0]
    assert "takes 52" in notes[0]
    both = too_few(made, Split({"one": range(9), "two": range(9)}, {}, {"one": 0.05, "two": 0.05}))
    assert len(both) == 1
    assert "(one, two)" in both[0]
