"""`lottery compress`: nothing is overwritten or left half done, and what can't be made is refused with the reason."""

import pytest

from lottery_plugins.cli import main
from lottery_plugins.compression import Int8, KeyNorm, Wanda
from lottery_plugins.compression.checkpoint import read_record, whole_folder
from lottery_plugins.compression.checkpoint_make import make_checkpoint
from lottery_plugins.errors import ConfigError
from lottery_plugins.testing.contracts.compression_files import folder_digest


def test_what_is_there_is_not_overwritten(original, saved, job, tmp_path):
    before = folder_digest(saved)
    with pytest.raises(ConfigError, match="--force"):
        make_checkpoint(job(original, saved))
    assert folder_digest(saved) == before
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"no lottery\.json"):
        make_checkpoint(job(original, tmp_path, force=True))
    assert (tmp_path / "thesis.txt").exists()


def test_force_replaces_an_older_checkpoint_whole(original, job, tmp_path):
    out = tmp_path / "out"
    make_checkpoint(job(original, out, [Int8()]))
    (out / "extra.txt").write_text("left over")
    make_checkpoint(job(original, out, [Wanda()], force=True))
    assert read_record(out)["compression"] == "wanda"
    assert not (out / "extra.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_fails_leaves_nothing(tmp_path):
    def write():
        with whole_folder(tmp_path / "out") as folder:
            (folder / "config.json").write_text("{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_kv_method_is_refused_with_what_to_do(original, job, tmp_path):
    with pytest.raises(ConfigError, match="compression=key-norm"):
        make_checkpoint(job(original, tmp_path / "out", [Int8(), KeyNorm()]))
    assert not (tmp_path / "out").exists()


def test_a_compressed_model_is_refused(original, saved, job, tmp_path):
    with pytest.raises(ConfigError, match="Compress the original"):
        make_checkpoint(job(saved, tmp_path / "out"))
    (saved / "lottery.json").rename(tmp_path / "kept.json")  # as from a hub that was cleaned up
    try:
        with pytest.raises(ConfigError, match="Compress the original"):
            make_checkpoint(job(saved, tmp_path / "out"))
    finally:
        (tmp_path / "kept.json").rename(saved / "lottery.json")


def test_the_command_takes_calibration_text(original, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("All happy families are alike. " * 200)
    words = ["--out", str(tmp_path / "out"), "--calibration", str(text)]
    assert main(["compress", str(original), "--compression", "wanda", *words]) == 0
    record = read_record(tmp_path / "out")
    assert record["methods"][0]["options"]["calibration"] == str(text)
    assert record["calibration"].startswith(f"{text} (16 x 128 tokens, seed 0, ")
    assert f"--calibration {text}" in record["command"]
    assert "of the original's" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--compression", "int8", "--calibration", "TEXT"], "uses calibration text"),
        (["--compression", "wanda", "--calibration", "/nowhere"], "a text file"),
        (["--compression", "none"], "at least one method"),
        (["--compression", "int8", "--dtype", "float31"], "float31"),
        (["--compression", "int8+int4"], "one method of each kind"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(original, tmp_path, capsys, words, message):
    (tmp_path / "text.txt").write_text("text")
    words = [word.replace("TEXT", str(tmp_path / "text.txt")) for word in words]
    with pytest.raises(SystemExit):
        main(["compress", str(original), *words, "--out", str(tmp_path / "out")])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_there_is_one_clear_error(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["compress", str(tmp_path / "no"), "--compression", "int8", "--out", str(tmp_path / "out")])
    assert "can't be loaded" in capsys.readouterr().err
