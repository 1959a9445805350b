"""One loaded model for several runs of a process: the same answers, and no more loading than needed."""

import pytest

from lottery_plugins.harness.kept_models import Kept, keep_models, kept_or_made


class Compressed:
    def __init__(self, press=None):
        self.press = press


class Maker:
    """Counts what it makes."""

    def __init__(self, press=None):
        self.made, self.press = 0, press

    def __call__(self):
        self.made += 1
        return Kept(object(), Compressed(self.press))


def test_the_same_model_is_made_once_within_and_each_time_outside():
    make = Maker()
    first, second = (kept_or_made(object, {"pretrained": "a"}, (), make) for _ in range(2))
    assert first is not second
    assert make.made == 2
    with keep_models():
        first, second = (kept_or_made(object, {"pretrained": "a"}, (), make) for _ in range(2))
        assert first is second
        assert make.made == 3
    kept_or_made(object, {"pretrained": "a"}, (), make)
    assert make.made == 4


@pytest.mark.parametrize(
    "other",
    [(object, {"pretrained": "b"}, ()), (object, {"pretrained": "a"}, ("int8",)), (str, {"pretrained": "a"}, ())],
    ids=["arguments", "methods", "class"],
)
def test_another_model_is_made_and_takes_the_place_of_the_first(other):
    make = Maker()
    with keep_models():
        first = kept_or_made(object, {"pretrained": "a"}, (), make)
        assert kept_or_made(*other, make) is not first
        assert kept_or_made(object, {"pretrained": "a"}, (), make) is not first
    assert make.made == 3


def test_a_model_with_a_method_in_its_own_cache_serves_one_run():
    make = Maker(press=object())
    with keep_models():
        for _ in range(2):
            kept_or_made(object, {"pretrained": "a"}, (), make)
    assert make.made == 2


def test_a_failed_load_leaves_the_place_empty():
    def fails():
        raise OSError("no such model")

    make = Maker()
    with keep_models():
        kept_or_made(object, {"pretrained": "a"}, (), make)
        with pytest.raises(OSError, match="no such model"):
            kept_or_made(object, {"pretrained": "b"}, (), fails)
        kept_or_made(object, {"pretrained": "b"}, (), make)
    assert make.made == 2
