"""Part 2: one answer each to prompts of uneven length, and multiple choice, against lm-eval's `hf` at its best."""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .children import in_child
from .loads import OneStepLoad, ScoringLoad
from .number_text import NumberCodec, from_text, to_text
from .report import Finding, Goal
from .svg import bars

if TYPE_CHECKING:
    from .command import Settings

__all__ = ["measure_hf", "measure_ours", "run", "uneven_stop"]

_SIZES = (1, 4, 8, 16, 32)
_SCORING_SIZES = (1, 8, 32)
_REQUESTS = {"generate": "generate_until", "score": "loglikelihood"}
_GOALS = {"generate": 2.0, "score": 1.0}
_LOGPROB_TOLERANCE = 1e-3  # of a continuation's sum: two orders of addition in fp32


def run(settings: Settings) -> Finding:
    """Ours first, which also finds the stop token that makes answers uneven; then `hf` at each batch size."""
    generating = OneStepLoad(prompts=16, most=32) if settings.quick else OneStepLoad()
    scoring = ScoringLoad(contexts=8) if settings.quick else ScoringLoad()
    child = {
        "model": settings.model,
        "generating": asdict(generating),
        "scoring": asdict(scoring),
        "options": settings.engine,
        "sizes": _SIZES[2::2] if settings.quick else _SIZES,
        "scoring_sizes": _SCORING_SIZES[1:2] if settings.quick else _SCORING_SIZES,
    }
    settings.say("ours ...")
    ours = in_child("one_step_ours", child, settings.threads)
    settings.say("lm-eval's hf, all batch sizes ...")
    hf = in_child("one_step_hf", child | {"stop": ours["stop"]}, settings.threads)
    return _finding(generating, scoring, ours, hf)


def measure_ours(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: the packed engine."""
    from lottery_plugins.engine.packed import PackedEngine
    from lottery_plugins.protocols.engine import SamplingParams, TokenEngine

    from .subject import load_subject
    from .ways_ours import make_runner

    subject = load_subject(settings["model"])
    runner = make_runner(subject, **settings["options"])
    load = OneStepLoad(**settings["generating"])
    prompts = load.rows(subject.text_ids)
    pairs = ScoringLoad(**settings["scoring"]).pairs(subject.text_ids)

    def engine() -> TokenEngine:
        return PackedEngine(runner, NumberCodec(subject.vocab_size))

    async def generate(engine: TokenEngine, stop: tuple[str, ...]) -> list[list[int]]:
        params = SamplingParams(max_tokens=load.most, stop=stop, ignore_end=True)
        made = await asyncio.gather(*(engine.generate(p, engine.open(i), params) for i, p in enumerate(prompts)))
        return [list(completion.ids) for completion in made]

    async def score(engine: TokenEngine) -> list[tuple[float, bool]]:
        made = await asyncio.gather(*(engine.score(*pair) for pair in pairs))
        return [(s.logprob, s.is_greedy) for s in made]

    stop = uneven_stop(asyncio.run(generate(engine(), ())), load.most)
    with subject.counter.watching():
        generated = _timed(subject, lambda: asyncio.run(generate(engine(), (f"<{stop}>",))))
        scored = _timed(subject, lambda: asyncio.run(score(engine())))
    return {"stop": stop, "generate": generated, "score": scored}


def measure_hf(settings: dict[str, Any]) -> dict[str, Any]:
    """In a child: lm-eval's `hf` at several batch sizes."""
    from lm_eval.api.instance import Instance

    from .subject import load_subject
    from .ways_hf import lm_eval_model

    subject = load_subject(settings["model"])
    load = OneStepLoad(**settings["generating"])
    until = {"until": [f"<{settings['stop']}>"], "do_sample": False, "max_gen_toks": load.most}
    generate = [
        Instance(request_type="generate_until", doc={}, arguments=(to_text(p), until), idx=0)
        for p in load.rows(subject.text_ids)
    ]
    score = [
        Instance(request_type="loglikelihood", doc={}, arguments=(to_text(c), " " + to_text(k)), idx=0)
        for c, k in ScoringLoad(**settings["scoring"]).pairs(subject.text_ids)
    ]
    found: dict[str, Any] = {"generate": {}, "score": {}}
    with subject.counter.watching():
        for size in settings["sizes"]:
            model = lm_eval_model(subject, batch_size=size)
            found["generate"][size] = _timed(
                subject, lambda model=model: [from_text(t) for t in model.generate_until(generate, disable_tqdm=True)]
            )
        for size in settings["scoring_sizes"]:
            model = lm_eval_model(subject, batch_size=size)
            found["score"][size] = _timed(
                subject, lambda model=model: list(model.loglikelihood(score, disable_tqdm=True))
            )
    return found


def _timed(subject: Any, work: Callable[[], list[Any]]) -> dict[str, Any]:
    subject.counter.take()
    started, worked = time.perf_counter(), time.process_time()
    answers = work()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "forwarded": subject.counter.take()[0],
        "answers": answers,
    }


def uneven_stop(answers: Sequence[Sequence[int]], most: int) -> int:
    """The token that, as a stop, leaves answers whose mean length is nearest to half of the most."""

    def mean_length(token: int) -> float:
        return sum(row.index(token) + 1 if token in row else most for row in map(list, answers)) / len(answers)

    seen = Tally(token for row in answers for token in set(row))
    return min(sorted(seen), key=lambda token: abs(mean_length(token) - most / 2))


def _finding(generating: OneStepLoad, scoring: ScoringLoad, ours: dict[str, Any], hf: dict[str, Any]) -> Finding:
    finding = Finding(
        "one-step",
        f"{generating.prompts} prompts of {generating.shortest} to {generating.longest} tokens, one answer each;"
        f" {scoring.contexts} contexts x {scoring.choices} choices",
        ("way", "request", "seconds", "processor s", "ours is faster by", "tokens forwarded", "answers"),
    )
    bests = {kind: min(hf[kind].values(), key=lambda one: float(one["seconds"])) for kind in _REQUESTS}
    for kind in _REQUESTS:
        finding.rows += [
            _row(f"hf, batch {size}" + (" (its best)" if one is bests[kind] else ""), kind, one, ours[kind])
            for size, one in hf[kind].items()
        ]
        finding.rows.append(_row("ours: packed", kind, ours[kind], ours[kind]))
        factor = _GOALS[kind]
        got = bests[kind]["seconds"] / ours[kind]["seconds"]
        claim = f"{_REQUESTS[kind]} at least {factor:g} x as fast as hf at its best batch size"
        finding.goals.append(Goal(claim, f"{got:.2f} x", got >= factor))
        times = {f"hf, batch {size}": one["seconds"] for size, one in hf[kind].items()}
        times["ours: packed"] = ours[kind]["seconds"]
        finding.plots[f"-{kind}"] = bars(f"{_REQUESTS[kind]}: {finding.title}", times, "s")
    lengths = [min(len(row) + 1, generating.most) for row in ours["generate"]["answers"]]
    finding.notes = [
        f"Answers end at a stop token or after {generating.most} tokens: {min(lengths)} to {max(lengths)},"
        f" {sum(lengths) / len(lengths):.0f} in the mean."
    ]
    finding.data = {
        "generating": asdict(generating),
        "scoring": asdict(scoring),
        "answer_lengths": lengths,
        "ours": {kind: _without_answers(ours[kind]) for kind in _REQUESTS},
        "hf": {kind: {size: _without_answers(one) for size, one in hf[kind].items()} for kind in _REQUESTS},
    }
    return finding


def _row(name: str, kind: str, one: dict[str, Any], ours: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        _REQUESTS[kind],
        f"{one['seconds']:.1f}",
        f"{one['cpu_seconds']:.1f}",
        f"{one['seconds'] / ours['seconds']:.2f} x",
        f"{one['forwarded']:,}",
        "" if one is ours else _agreement(kind, one["answers"], ours["answers"]),
    )


def _without_answers(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "answers"}


def _agreement(kind: str, theirs: list[Any], ours: list[Any]) -> str:
    if kind == "generate":
        differ = sum(a != b for a, b in zip(theirs, ours, strict=True))
    else:
        differ = sum(abs(a[0] - b[0]) > _LOGPROB_TOLERANCE or a[1] != b[1] for a, b in zip(theirs, ours, strict=True))
    return "the same" if not differ else f"{differ} of {len(ours)} DIFFER"
