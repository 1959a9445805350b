"""What every Python start-up pays for lottery-plugins: one finder that waits for lm_eval and transformers.

A `.pth` file imports this module when Python starts, so it imports nothing that Python has not loaded already. The
finder answers only for the modules in `WATCHED`: it lets the other finders find the module, and once the module has
run, hands it to the part of lottery-plugins that adds something to it. Nothing here raises: what fails is one line on
stderr, and the program goes on without us. `LOTTERY_AUTOLOAD=0` switches it off.
"""

import os
import sys

__all__ = ["WATCHED", "LotteryFinder", "install", "is_switched_off", "report"]

_BORDER = "lottery_plugins.harness.autoload"
WATCHED = {
    "lm_eval.models": _BORDER,
    "lm_eval.tasks.manager": _BORDER,
    "lm_eval.evaluator": _BORDER,
    "lm_eval._cli.validate": _BORDER,
    "lm_eval._cli.harness": _BORDER,
    "lm_eval.loggers.evaluation_tracker": _BORDER,
    "transformers.quantizers.auto": "lottery_plugins.harness.checkpoints",
}
"""The modules that we add something to, and the module of ours that does."""

_reported: set[str] = set()


def is_switched_off() -> bool:
    """Whether the user wrote LOTTERY_AUTOLOAD=0."""
    return os.environ.get("LOTTERY_AUTOLOAD") == "0"


def report(what: str, error: BaseException) -> None:
    """Say once per process, in one line on stderr, what failed and how to switch us off."""
    text = f"{type(error).__name__}: {error}".replace("\n", " ")
    if text in _reported or sys.stderr is None:
        return
    _reported.add(text)
    sys.stderr.write(
        f"lottery-plugins: {what} failed ({text}); the rest goes on without it. Switch off: LOTTERY_AUTOLOAD=0\n"
    )


def _attach(module):
    """Hand a module of lm_eval that has just run to the part of the package that knows what to add."""
    if is_switched_off():
        return
    try:
        from importlib import import_module  # Python has it by then

        import_module(WATCHED[module.__name__]).attach(module)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with us must not stop lm-eval
        report(f"attaching to {module.__name__}", error)


class LotteryFinder:
    """A meta path finder that finds nothing by itself."""

    def find_spec(self, name, path=None, target=None):
        """The spec that the finders after this one give, its loader made to call us when the module has run."""
        if name not in WATCHED:
            return None
        finders = sys.meta_path
        after = finders[finders.index(self) + 1 :] if self in finders else finders
        for finder in after:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                self._wrap(spec)
                return spec
        return None

    @staticmethod
    def _wrap(spec):
        execute = getattr(spec.loader, "exec_module", None)
        if execute is None:
            return

        def exec_module(module):
            execute(module)
            if module.__name__ == spec.name:
                _attach(module)

        try:
            spec.loader.exec_module = exec_module
        except Exception as error:  # noqa: BLE001 - a loader of a foreign import hook may refuse attributes
            report(f"watching {spec.name}", error)


def install() -> None:
    """Put the finder first on sys.meta_path, once, and attach to what is imported already."""
    if is_switched_off() or any(type(finder).__name__ == "LotteryFinder" for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, LotteryFinder())
    for name in WATCHED:
        module = sys.modules.get(name)
        if module is not None:
            _attach(module)
