"""Heat maps of the needle task: cells are means of their documents, pairs stand side by side, and nothing is markup."""

import csv
import io
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.cli import main
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.heat_map_svg import to_svg
from lottery_plugins.results.heat_map_text import color_of
from lottery_plugins.results.heat_maps import PLAIN, PREPROCESSED, TASK, read_heat_maps

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def needle(runs, task):
    """Writes a needle run: by (length, depth), the scores there."""

    def write(name, places, **args):
        docs = [
            {"n": i, "length": length, "depth": depth} for (length, depth), s in places.items() for i in range(len(s))
        ]
        scores = [score for found in places.values() for score in found]
        model_args = ",".join(f"{key}={value}" for key, value in {"pretrained": "org/m", **args}.items())
        return runs.write(name, {TASK: task(scores, metric="acc", docs=docs)}, model_args=model_args)

    return write


@pytest.fixture
def four(needle):
    """Plain and preprocessed, of the original and of int8; the preprocessed ones reach further."""
    near, far = {(256, 0.0): [1.0, 0.0], (256, 1.0): [1.0, 1.0]}, {(512, 0.5): [0.0, 0.0]}
    asked = {"reasoner": "retrieve-then-read", "retriever": "prompt:chunk_words=32"}
    return [
        needle("a", near),
        needle("b", {**near, **far}, **asked),
        needle("c", near, compression="int8"),
        needle("d", far, compression="int8", retriever="prompt-dense"),
    ]


def test_cells_are_means_of_their_own_documents(four):
    maps = read_heat_maps(four)
    plain = maps.maps[0]
    assert {place: figure.estimate.value for place, figure in plain.cells.items()} == {(256, 0.0): 0.5, (256, 1.0): 1.0}
    assert [figure.n for figure in plain.cells.values()] == [2, 2]
    assert (plain.overall.estimate.value, plain.overall.n) == (0.75, 4)


def test_each_compression_has_a_plain_and_a_preprocessed_map_on_shared_axes(four):
    maps = read_heat_maps(four)
    assert [(m.model, m.prompt) for m in maps.maps] == [
        ("not compressed", PLAIN),
        ("not compressed", PREPROCESSED),
        ("int8", PLAIN),
        ("int8", PREPROCESSED),
    ]
    assert (maps.lengths, maps.depths) == ([256, 512], [0.0, 0.5, 1.0])


def test_two_models_are_told_apart_by_name(needle):
    places = {(256, 0.0): [1.0]}
    folders = [needle("a", places), needle("b", places, pretrained="org/other")]
    assert [m.model for m in read_heat_maps(folders).maps] == ["m, not compressed", "other, not compressed"]


def test_maps_of_the_same_methods_stand_side_by_side(needle):
    specs = ("snapkv:compression_ratio=0.25", "int8", "snapkv:compression_ratio=0.5", "int8+snapkv")
    folders = [needle(str(i), {(256, 0.0): [1.0]}, compression=spec) for i, spec in enumerate(specs)]
    maps = read_heat_maps(folders)
    assert [[m.model for m in line] for line in maps.lines] == [[specs[0], specs[2]], ["int8"], ["int8+snapkv"]]
    drawn = ET.fromstring(to_svg(maps))
    places = [group.get("transform") for group in drawn.iter(f"{SVG}g") if group.get("transform")]
    across, down = zip(*(place[10:-1].split(",") for place in places), strict=True)
    assert (across[0], across[2], across[3]) == ("0", "0", "0")
    assert down[0] == down[1] == "0"
    assert len({*down}) == 3


def test_two_runs_for_one_map_are_refused_by_name(needle):
    places = {(256, 0.0): [1.0]}
    with pytest.raises(ConfigError, match="a and b"):
        read_heat_maps([needle("a", places), needle("b", places, reasoner="direct")])


def test_documents_without_length_and_depth_are_named_by_their_line(runs, task):
    folder = runs.write("run", {TASK: task([1.0], metric="acc", docs=[{"length": 5}])})
    with pytest.raises(DataError, match="line 1 has no length and depth"):
        read_heat_maps([folder])


def test_csv_has_a_row_for_each_cell_and_a_dash_where_there_is_none(four, capsys):
    assert main(["table", "needle", *map(str, four), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 4 * 2 * 3
    by_place = {(row["run"], row["length"], row["depth"]): (row["acc"], row["n"]) for row in rows}
    assert by_place["a", "256", "0.0"] == ("50.0", "2")
    assert by_place["b", "512", "0.5"] == ("0.0", "2")
    assert by_place["a", "512", "0.5"] == ("-", "-")


def test_markdown_and_latex_show_interval_and_n(four, capsys):
    for name, cell in (("markdown", "50.0 [9.5, 90.5] n=2"), ("latex", "50.0 [9.5, 90.5] n=2")):
        assert main(["table", "needle", *map(str, four), "--format", name]) == 0
        text = capsys.readouterr().out
        assert text.count(cell) == 3
        assert "int8, preprocessed" in text


def test_the_terminal_shows_every_map(four, capsys):
    assert main(["table", "needle", *map(str, four)]) == 0
    text = capsys.readouterr().out
    assert all(f"{model}, {prompt}" in text for model in ("not compressed", "int8") for prompt in (PLAIN, PREPROCESSED))
    assert "75.0 [30.1, 95.4] n=4" in text


def test_the_svg_draws_every_cell_once_with_its_interval(four, tmp_path, capsys):
    assert main(["table", "needle", *map(str, four), "--svg", str(tmp_path / "needle.svg")]) == 0
    root = ET.parse(tmp_path / "needle.svg").getroot()
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert len(titles) == 4 * 2 * 3
    assert titles.count("50.0 % [9.5, 90.5], n=2") == 3
    assert titles.count("-") == 4 * 2 * 3 - (2 + 3 + 2 + 1)


def test_a_name_from_a_file_is_no_markup_in_the_svg(needle):
    folder = needle("a", {(256, 0.0): [1.0]}, compression="<script>&")
    text = to_svg(read_heat_maps([folder]))
    assert "<script>" not in text
    assert any("<script>&" in (node.text or "") for node in ET.fromstring(text).iter(f"{SVG}text"))


@given(st.floats(0, 1))
def test_every_accuracy_has_a_color_whose_letters_can_be_read(value):
    colors = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in color_of(value)]
    back, letters = (0.299 * r + 0.587 * g + 0.114 * b for r, g, b in colors)
    assert abs(back - letters) > 100
