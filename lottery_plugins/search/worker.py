"""A process that does lm-eval runs for a search, one by one, until its input ends.

It stays between runs, so that libraries are imported once, and a model that is kept is not loaded again. Requests are
JSON lines on stdin, answers JSON lines on what was stdout; whatever else is printed goes to stderr. When its input ends
in the middle of a run, the search was killed: it ends at once, and what is finished is on disk.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import IO, Any

from lottery_plugins.errors import DataError, LotteryError
from lottery_plugins.harness import records
from lottery_plugins.harness.kept_models import keep_models
from lottery_plugins.harness.study import HarnessRun, note_done
from lottery_plugins.harness.worker import evaluate, task_manager

__all__ = ["do", "main"]


def main() -> None:
    """Answer requests until stdin ends."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests: queue.Queue[str | None] = queue.Queue()
    is_busy = threading.Event()
    threading.Thread(target=_listen, args=(requests, is_busy), daemon=True).start()
    with keep_models():
        while (line := requests.get()) is not None:
            is_busy.set()
            _answer(line, answers)
            is_busy.clear()


def _listen(requests: queue.Queue[str | None], is_busy: threading.Event) -> None:
    for line in sys.stdin:
        requests.put(line)
    if is_busy.is_set():
        os._exit(1)
    requests.put(None)


def _answer(line: str, answers: IO[str]) -> None:
    """Do one request; an error of whatever kind is an answer, and its traceback goes to stderr."""
    try:
        request = json.loads(line)
        answer = {"done": do(request["do"], HarnessRun(**request["run"]))}
    except Exception as error:  # noqa: BLE001 - any error of a foreign library ends this run, not the search
        traceback.print_exc()
        text = str(error) if isinstance(error, LotteryError) else f"{type(error).__name__}: {error}"
        answer = {"error": text, "kind": type(error).__name__}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def do(what: str, run: HarnessRun) -> Any:
    """Do one request: "run" leaves lm-eval's files and ours, "documents" tells what the tasks hold."""
    return _documents(run) if what == "documents" else _run(run)


def _run(run: HarnessRun) -> None:
    evaluate(run)
    note_done(run)
    records.drop_resume_files()  # not at the end of the process, which may be in the middle of another run
    _give_memory_back()


def _give_memory_back() -> None:
    """Without it a process that does many runs grows by a hundred megabytes or two with each."""
    gc.collect()  # models and engines are in cycles
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # glibc's
        trim(0)


def _documents(run: HarnessRun) -> dict[str, Any]:
    """Labels and margin of each task of a run."""
    from lottery_plugins.harness import autoload

    autoload.attach_now()
    manager = task_manager(run)
    if unknown := sorted(set(run.tasks) - set(manager.all_tasks)):
        raise DataError(f"tasks: {unknown[0]}", "is no task that lm-eval knows", "See: lm-eval ls tasks.")
    loaded = manager.load(list(run.tasks))["tasks"]
    if groups := sorted(set(run.tasks) - set(loaded)):
        raise DataError(f"tasks: {groups[0]}", "is a group", "Name its tasks one by one.")
    return {name: _described(task) for name, task in loaded.items()}


def _described(task: Any) -> dict[str, Any]:
    metadata = getattr(task.config, "metadata", None)
    lottery = metadata.get("lottery") if isinstance(metadata, Mapping) else None
    offer = lottery if isinstance(lottery, Mapping) else {}
    return {"labels": [_label(doc, offer.get("cluster")) for doc in task.eval_docs], "margin": offer.get("margin")}


def _label(doc: Any, cluster: object) -> str:
    """The document's cluster where its task names a field for it, else its content: copies are one."""
    kept = doc[cluster] if cluster is not None and isinstance(doc, Mapping) and cluster in doc else doc
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:20]


if __name__ == "__main__":
    main()
