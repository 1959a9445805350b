"""Calibration text: where it comes from, and which windows are cut out of it."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.compression import Wanda
from lottery_plugins.compression.calibration import BUNDLED, build_calibration
from lottery_plugins.errors import ConfigError, DataError

LETTERS = "".join(chr(33 + i % 90) for i in range(1000))


class LetterTokenizer:
    """One token per character."""

    def __call__(self, text, **_):
        return {"input_ids": [ord(letter) for letter in text]}


def texts_of(data):
    return ["".join(map(chr, row)) for row in data.input_ids]


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    path = tmp_path_factory.mktemp("calibration") / "letters.txt"
    path.write_text(LETTERS)
    return str(path)


@given(st.integers(1, 12), st.integers(2, 80), st.integers(0, 9))
def test_windows_do_not_overlap_and_are_the_same_for_a_seed(letters, number, length, seed):
    data = build_calibration(LetterTokenizer(), letters, number, length, seed)
    assert data == build_calibration(LetterTokenizer(), letters, number, length, seed)
    rest = LETTERS
    for window in texts_of(data):
        assert len(window) == length
        rest = rest[rest.index(window) + length :]  # fails where it overlaps with the one before


def test_another_seed_draws_other_windows(letters):
    first, second = (build_calibration(LetterTokenizer(), letters, 4, 50, seed) for seed in (0, 1))
    assert first.input_ids != second.input_ids
    assert first.source != second.source


def test_the_source_names_text_amount_and_content(letters):
    assert build_calibration(LetterTokenizer(), letters, 4, 50, 3).source.startswith(
        f"{letters} (4 x 50 tokens, seed 3, "
    )
    assert build_calibration(LetterTokenizer(), BUNDLED, 16, 256).source.startswith("bundled:calibration.txt (16 x 256")


@pytest.fixture
def rows(tmp_path):
    """A JSON-lines file and a compressed one, with texts in a column `story`."""
    lines = [json.dumps({"id": i, "story": chr(97 + i) * 30}) for i in range(8)]
    (tmp_path / "stories.jsonl").write_text("\n".join(lines) + "\n")
    with gzip.open(tmp_path / "stories.jsonl.gz", "wt") as file:
        file.write("\n".join(lines))
    return tmp_path


@pytest.mark.parametrize("ending", [".jsonl@story", ".jsonl:story", ".jsonl.gz@story"])
def test_json_lines_give_documents_in_an_order_that_the_seed_draws(rows, ending):
    name = f"{rows}/stories{ending}"
    data = build_calibration(LetterTokenizer(), name, 3, 20)
    assert data.source.startswith(name)
    joined = "".join(texts_of(data))
    assert set(joined) <= set("abcdefgh\n")
    others = [build_calibration(LetterTokenizer(), name, 3, 20, seed).input_ids for seed in range(1, 4)]
    assert any(other != data.input_ids for other in others)


@pytest.mark.parametrize("separator", [":", "@"])
def test_a_data_set_of_a_local_folder_gives_what_the_file_gives(rows, separator, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.jsonl").write_text((rows / "stories.jsonl").read_text())
    found = build_calibration(LetterTokenizer(), separator.join(["hub", str(folder), "train", "story"]), 3, 20)
    assert found.input_ids == build_calibration(LetterTokenizer(), f"{rows}/stories.jsonl@story", 3, 20).input_ids
    with pytest.raises(DataError, match=r"has no column 'poem'.*id, story"):
        build_calibration(LetterTokenizer(), separator.join(["hub", str(folder), "train", "poem"]), 3, 20)
    with pytest.raises(DataError, match="can't be loaded"):
        build_calibration(LetterTokenizer(), separator.join(["hub", str(folder), "test", "story"]), 3, 20)


def test_text_that_is_missing_short_or_not_text_is_named(tmp_path):
    short, binary = tmp_path / "short.txt", tmp_path / "binary.txt"
    short.write_text("too short")
    binary.write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "bad.jsonl").write_text('{"text": "x"}\n{"text": 3}\n')
    (tmp_path / "worse.jsonl").write_text("{text}\n")
    (tmp_path / "torn.jsonl.gz").write_bytes(b"\x1f\x8b\x08")
    for name, message in {
        "short.txt": r"short\.txt has 9 tokens, but 16 sequences of 256 need 4096",
        "binary.txt": "not UTF-8",
        "missing.txt": r"missing\.txt can't be read",
        "bad.jsonl": "line 2 holds no text but int",
        "bad.jsonl@poem": "line 1 has no column 'poem'",
        "worse.jsonl": "line 1 is no JSON",
        "torn.jsonl.gz": "can't be read",
    }.items():
        with pytest.raises(DataError, match=message):
            build_calibration(LetterTokenizer(), str(tmp_path / name), 16, 256)
    with pytest.raises(DataError, match="names no column"):
        build_calibration(LetterTokenizer(), "hub@data", 16, 256)


def test_a_file_stamps_the_method_that_reads_it(letters, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("x")
    stamps = {Wanda(calibration=text).stamp for text in (letters, str(other), f"{tmp_path}/no.jsonl@text", BUNDLED)}
    assert len(stamps) == 3
    assert "" in stamps


@pytest.mark.parametrize("options", [{"num_calibration": 0}, {"sequence_length": 1}, {"calibration_seed": -1}])
def test_amounts_that_make_no_sense_are_refused(options):
    with pytest.raises(ConfigError, match=r"compression: wanda\."):
        Wanda(**options)
