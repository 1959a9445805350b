"""The rules that `contracts.task` runs: each takes a `Tested`, and raises an AssertionError with the reason.

A rule that does not apply returns why, so that nobody takes it for passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from lottery_plugins.testing.contracts.task import ABILITIES, ALLOWS, FOREIGN_METADATA, Rule, Tested

__all__ = ["RULES"]

_FIELD_KEYS = ("question", "context", "knowledge_base", "cluster", "candidates")
_KEYS = {"ability", "tools", "margin", "chance", "truncation", "popularity", "axes", "allows", *_FIELD_KEYS}
_JUNK = ("", "I do not know.", "\ud800\x00 \u0663,\u0664 ((((", "Answer:", "x" * 5000)
_FEWEST_TEMPLATES = 3
_MOST_LEVELS = 64
_CHANCE_TOLERANCE = 0.02

_LOGGED = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
"""What lm-eval logs of a sample beside its metrics, in one mapping with them."""


def check_loading(tested: Tested) -> None:
    """The task is found, loads offline, and has documents; no group or tag is caught by the glob `lottery_*`."""
    manager, name = tested.manager, tested.case.name
    caught = [other for other in (*manager.all_groups, *manager.all_tags) if fnmatch(other, "lottery_*")]
    assert not caught, f"groups and tags must not match lottery_*, or their tasks are met twice: {caught}"
    assert name in manager.all_subtasks, f"{name} is not among the tasks of {tested.case.include_path}"
    assert tested.docs, "the test split has no documents"


def check_readme(tested: Tested) -> str | None:
    """A README.md stands beside the task file and names the task."""
    path = tested.manager.task_index[tested.case.name].yaml_path
    if path is None:
        return "the task has no file"
    readme = path.with_name("README.md")
    assert readme.is_file(), f"{readme} is missing"
    assert tested.case.name in readme.read_text("utf-8"), f"{readme} does not name {tested.case.name}"
    return None


def check_settings(tested: Tested) -> None:
    """Everything that could move a score is stated in the file."""
    config, generation = tested.task.config, tested.task.config.generation_kwargs
    assert config.output_type == "generate_until", f"output_type is {config.output_type!r}"
    assert generation.get("until"), "generation_kwargs.until must be stated and not empty"
    assert generation.get("do_sample") is False, "generation_kwargs.do_sample must be stated as false"
    assert isinstance(generation.get("max_gen_toks"), int), "generation_kwargs.max_gen_toks must be stated"
    assert config.num_fewshot != 0, "num_fewshot: 0 makes lm-eval ignore --num_fewshot; leave it out"
    assert callable(config.process_results), "process_results must be a !function"
    for metric in config.metric_list:
        assert {"metric", "aggregation", "higher_is_better"} <= set(metric), f"metric_list is incomplete: {metric}"
        assert metric["metric"] not in _LOGGED, f"lm-eval can't log a metric that is called {metric['metric']!r}"


def check_metadata(tested: Tested) -> None:
    """`metadata.version` and `metadata.lottery` are complete, and name fields that all documents have."""
    metadata, docs = tested.task.config.metadata, tested.docs
    assert "version" in metadata, "metadata.version is missing"
    lottery = metadata.get("lottery")
    assert isinstance(lottery, dict), "metadata.lottery is missing"
    assert set(lottery) <= _KEYS, f"metadata.lottery has unknown keys: {sorted(set(lottery) - _KEYS)}"
    assert lottery.get("ability") in ABILITIES, f"metadata.lottery.ability is {lottery.get('ability')!r}"
    assert 0 < lottery.get("margin", 0) < 1, "metadata.lottery.margin must be in (0, 1)"
    assert lottery.get("truncation", "none") in ("left", "none"), "metadata.lottery.truncation must be left or none"
    assert 0 <= lottery.get("chance", -1) < 1, "metadata.lottery.chance must be in [0, 1)"
    assert "question" in lottery, "metadata.lottery.question is missing"
    assert set(lottery.get("allows", ())) <= set(ALLOWS), f"metadata.lottery.allows may hold {', '.join(ALLOWS)}"
    for key in _FIELD_KEYS:
        field = lottery.get(key, "")
        has_it = all(field in doc if key == "candidates" else doc.get(field) for doc in docs)
        assert not field or has_it, f"metadata.lottery.{key}: no field {field!r}"
    popularity = lottery.get("popularity")
    assert popularity is None or all(isinstance(doc.get(popularity), int | float) for doc in docs), (
        f"metadata.lottery.popularity: {popularity!r} is no field with a number"
    )


def check_axes(tested: Tested) -> str | None:
    """`metadata.lottery.axes` names fields with few levels, by which the score can be broken down."""
    axes = tested.lottery.get("axes")
    if axes is None:
        return "metadata.lottery.axes names no fields"
    assert isinstance(axes, list), f"metadata.lottery.axes must be a list of fields, not {axes!r}"
    for axis in axes:
        levels = [doc.get(axis) for doc in tested.all_docs]
        strange = [level for level in levels if not isinstance(level, str | int | float)]
        assert not strange, f"axis {axis!r}: a document has {strange[0]!r}, which is no text and no number"
        assert len(set(levels)) <= _MOST_LEVELS, f"axis {axis!r} has {len(set(levels))} levels, at most {_MOST_LEVELS}"
    return None


def check_templates(tested: Tested) -> str | None:
    """The axis "template" has at least three levels, so that one phrasing does not decide."""
    if "template" not in (tested.lottery.get("axes") or ()):
        return "metadata.lottery.axes does not name template"
    found = {str(doc["template"]) for doc in tested.all_docs}
    assert len(found) >= _FEWEST_TEMPLATES, f"only {len(found)} templates, {', '.join(sorted(found))}; three are needed"
    return None


def check_documents(tested: Tested) -> None:
    """Documents and prompts are all different, and the question does not tell the answer."""
    task, docs, lottery = tested.task, tested.docs, tested.lottery
    assert len({json.dumps(doc, sort_keys=True) for doc in docs}) == len(docs), "two documents are the same"
    assert len({task.doc_to_text(doc) for doc in docs}) == len(docs), "two prompts are the same"
    for doc in docs:
        for item in doc.get(lottery.get("knowledge_base", "")) or ():
            assert {"id", "title", "text"} <= set(item), f"a knowledge base document lacks id, title or text: {item}"
        hidden = doc[lottery["question"]] if not tested.allows("answer-in-question") else ""
        gold = tested.gold(doc)
        assert not gold or not re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", hidden), (
            f"the question holds its answer: {hidden!r}"
        )


def check_determinism(tested: Tested) -> None:
    """A second load, beside arguments of any model, gives the same documents."""
    again = Tested(tested.case, FOREIGN_METADATA)
    assert tested.docs == again.docs, "documents differ between two loads, or follow the model's arguments"


def check_rendering(tested: Tested) -> None:
    """Prompts hold the context word for word, end with the call for an answer, with chat and few-shot too."""
    task, lottery = tested.task, tested.lottery
    assert task.config.fewshot_split not in (None, task.config.test_split), "fewshot_split must be a split of its own"
    task.set_fewshot_seed(1234)
    for doc in tested.docs[:4]:
        prompt = task.doc_to_text(doc)
        assert doc[lottery["question"]] in prompt, "the prompt does not hold the question word for word"
        assert doc.get(lottery.get("context", ""), "") in prompt, "the prompt does not hold the context word for word"
        assert prompt.rstrip() == prompt, "the prompt ends with a blank, which splits tokens badly"
        assert prompt.splitlines()[-1].startswith("Answer"), "the last line of the prompt must ask for the answer"
        for shots in (0, 2):
            plain = task.fewshot_context(doc, num_fewshot=shots)
            assert plain.endswith(prompt), "the rendered prompt does not end with the question"
            assert plain.count("Answer:") >= shots + 1, "few-shot examples are missing"
            chat = task.fewshot_context(doc, shots, apply_chat_template=True, chat_template=_chat)
            assert prompt in chat, "the chat does not hold the prompt"


def check_gold(tested: Tested) -> str | None:
    """The right answer scores 1, in every wording."""
    if tested.allows("open-ended"):
        check_open_scores(tested)
        return "no one answer is right: any text scores in [0, 1], the right one where there is one 1, an empty one 0"
    for doc in tested.docs:
        gold = tested.gold(doc)
        scores = tested.task.process_results(doc, [gold])
        assert set(tested.metrics) == set(scores), (
            f"process_results gives {sorted(scores)}, metric_list names {tested.metrics}"
        )
        main, *others = tested.metrics
        assert scores[main] == 1, f"gold {gold!r} scores {scores}"
        # None: the metric does not apply to this document, and the task's own aggregation leaves it out
        assert all(scores[metric] in (1, None) for metric in others), f"gold {gold!r} scores {scores}"
        for said in (f" {gold}\n", f"{gold}.", f"**{gold}**", f"The answer is {gold}.", f"Let me see.\nAnswer: {gold}"):
            assert tested.task.process_results(doc, [said])[main] == 1, (
                f"gold {gold!r} written as {said!r} is not accepted"
            )
    return None


def check_open_scores(tested: Tested) -> None:
    """Any text gets scores in [0, 1], an empty one gets 0, gold (where there is one) gets 1, and nothing raises."""
    for doc in tested.docs:
        gold = tested.gold(doc)
        for said in (gold, *_JUNK):
            scores = tested.task.process_results(doc, [said])
            assert set(tested.metrics) == set(scores), (
                f"process_results gives {sorted(scores)}, metric_list names {tested.metrics}"
            )
            assert all(0 <= score <= 1 for score in scores.values()), f"{said[:60]!r} scores {scores}"
            assert said or not any(scores.values()), f"an empty answer scores {scores}"
            assert said != gold or not gold or scores[tested.metrics[0]] == 1, f"gold {gold!r} scores {scores}"


def check_junk(tested: Tested) -> str | None:
    """Junk and a listing of everything score 0, and nothing raises."""
    if tested.allows("open-ended"):
        return "no one answer is right, so junk may score"
    main = tested.metrics[0]
    golds = [tested.gold(doc) for doc in tested.docs]
    for doc, gold in zip(tested.docs, golds, strict=True):
        for said in _JUNK[2:] if tested.allows("ignorance") else _JUNK:
            assert not any(tested.task.process_results(doc, [said]).values()), f"junk scores: {said[:60]!r}"
        wrong = [other for other in golds if other != gold]
        listing = ", ".join([*wrong, gold, *wrong])
        if wrong and not tested.allows("listing"):
            assert tested.task.process_results(doc, [listing])[main] == 0, (
                f"a listing of all answers scores: {listing[:200]!r}"
            )
    return None


def check_chance(tested: Tested) -> str | None:
    """Answers drawn from the document's candidates score what `metadata.lottery.chance` says."""
    field = tested.lottery.get("candidates")
    if field is None:
        return "metadata.lottery.candidates names no field with what a blind guesser picks from"
    main, scores = tested.metrics[0], []
    for doc in tested.all_docs:
        guesses = [tested.task.process_results(doc, [str(guess)])[main] for guess in doc[field]]
        scores.append(sum(guesses) / len(guesses) if guesses else 0.0)
    found, stated = sum(scores) / len(scores), tested.lottery["chance"]
    assert abs(found - stated) <= _CHANCE_TOLERANCE, f"blind guesses score {found:.3f}, the file says {stated}"
    return None


def _chat(messages: Sequence[Mapping[str, Any]], add_generation_prompt: bool = True) -> str:
    turns = "".join(f"<{m['role']}>{m['content']}</{m['role']}>\n" for m in messages)
    return turns + ("<assistant>" if add_generation_prompt else "")


RULES = (
    Rule(
        "loads",
        "it loads without a network and has documents",
        check_loading,
        "Correct the file, or the function it names.",
    ),
    Rule("readme", "a README.md beside it names it", check_readme, "Say there what it measures, its source and knobs."),
    Rule("settings", "what could move a score is stated", check_settings, "State it in the task file."),
    Rule("metadata", "metadata.lottery is complete", check_metadata, "Correct metadata.lottery in the task file."),
    Rule("axes", "its axes are fields with few levels", check_axes, "List the knobs' fields in metadata.lottery.axes."),
    Rule("templates", "three phrasings or more", check_templates, "Give documents a field template, of three values."),
    Rule("documents", "all differ, and no question tells its answer", check_documents, "Correct the generator."),
    Rule(
        "determinism", "two loads give the same documents", check_determinism, "Draw from tasks.randomness.Rng alone."
    ),
    Rule(
        "prompts", "rendered plain, few-shot and as a chat", check_rendering, "Correct doc_to_text and fewshot_split."
    ),
    Rule("gold", "the right answer scores 1 in every wording", check_gold, "Correct the scorer; see tasks.scoring."),
    Rule("junk", "junk and listings score 0", check_junk, "Make the scorer reject what names a wrong candidate too."),
    Rule("chance", "blind guesses score metadata.lottery.chance", check_chance, "State the score that was found."),
)
