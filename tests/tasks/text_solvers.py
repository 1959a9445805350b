"""Solvers that read a generated document's prompt and nothing else, to show that the prompt holds the answer."""

import re
from collections import Counter

from lottery_plugins.tasks.long_context import aggregates, hops, stories, trees, variables
from lottery_plugins.tasks.retrieval import needle, pairs, passages


def pattern(template):
    """A regular expression with a group for each field of a template; the first use of a name captures it."""
    seen = set()

    def group(match):
        name = match[1] or "x"
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return rf"(?P<{name}>(?:the )?[\w-]+)"

    return re.compile(re.sub(r"\\\{(\w*)\\\}", group, re.escape(template)), re.IGNORECASE)


def found(template, text):
    """The fields of every occurrence of a template."""
    return [match.groupdict() for match in pattern(template).finditer(text)]


def named(templates, row):
    return next(template for template in templates if template.name == row["template"])


def needles(row):
    template = named(needle.TEMPLATES, row)
    said = {}
    for sentence in (template.one, template.some):
        for hit in found(sentence, row["context"]):
            said.setdefault(hit["it"].lower(), {})[hit["value"]] = None
    keys = [key for key in said if re.search(rf"\b{key}\b", row["question"], re.IGNORECASE)]
    keys.sort(key=lambda key: row["question"].lower().index(key))
    return ", ".join(value for key in keys for value in said[key])


def pair(row):
    layout = named(pairs.LAYOUTS, row)
    key = found(layout.question, row["question"])[0]["key"]
    return next(hit["value"] for hit in found(layout.pair, row["context"]) if hit["key"] == key)


def passage(row):
    subject = named(passages.SUBJECTS, row)
    for attribute in subject.attributes:
        question = getattr(attribute, row["wording"])
        asked = re.fullmatch(re.escape(question).replace(r"\{\}", "(.+)"), row["question"])
        if asked:
            text = next(part for part in row["context"].split("\n\n") if f"{asked[1]} " in part.split(".")[0] + " ")
            said = re.sub(r"\\\{a?\\\}", r"(?:an? )?(\\w+)", re.escape(attribute.statement))
            return re.search(said, text)[1]
    raise AssertionError(row["question"])


def chain(row):
    template = named(hops.TEMPLATES, row)
    stops = {hit["a"].lower(): hit["b"] for hit in found(template.end, row["context"])}
    links = {hit["a"].lower(): hit["b"] for hit in found(template.link, row["context"]) if hit["b"] != "the"}
    at = next(link for link in (*links, *stops) if re.search(rf"\b{link}\b", row["question"].lower()))
    while at in links:
        at = links[at].lower()
    return stops[at].removeprefix("the ")


def variable(row):
    template = named(variables.TEMPLATES, row)
    values = {hit["a"]: hit["value"] for hit in found(template.start, row["context"]) if hit["value"].isdigit()}
    copies = {hit["a"]: hit["b"] for hit in found(template.copy, row["context"])}

    def value(name):
        return values[name] if name in values else value(copies[name])

    if row["ask"] == "value":
        return value(found(template.value, row["question"])[0]["a"])
    wanted = found(template.names, row["question"])[0]["value"]
    return ", ".join(name for name in (*values, *copies) if value(name) == wanted)


def aggregate(row):
    template = named(aggregates.TEMPLATES, row)
    hits = found(template.fact, row["context"])
    if template.kind == "count":
        asked = found(template.question, row["question"])[0]["x"]
        return str(sum(hit["x"] == asked for hit in hits))
    if template.kind == "common":
        (best, most), (_, second) = Counter(hit["x"] for hit in hits).most_common(2)
        assert most > second
        return best.removeprefix("the ")
    ranked = sorted(hits, key=lambda hit: int(hit["x"]), reverse=not template.is_least)
    return ranked[0]["name"]


def tree(row):
    template = named(trees.TEMPLATES, row)
    leaves = {hit["a"]: int(hit["value"]) for hit in found(template.leaf, row["context"]) if hit["value"].isdigit()}
    nodes = {
        hit["a"]: (operation, hit["b"], hit["c"])
        for operation, sentence in template.nodes.items()
        for hit in found(sentence, row["context"])
    }

    def value(name):
        if name in leaves:
            return leaves[name]
        operation, *children = nodes[name]
        return {"sum": sum, "larger": max, "smaller": min}[operation](map(value, children))

    return str(value(found(template.question, row["question"])[0]["a"]))


def told(row):
    """The story's events in the order of the text."""
    events = []
    for act, sentence in stories.TEMPLATES[row["template"]].items():
        for match in pattern(sentence).finditer(row["context"]):
            events.append((match.start(), act, match.groupdict()))
    return [(act, hit) for _, act, hit in sorted(events, key=lambda event: event[0])]


def story(row):
    """Follow the story with plain dicts, in another way than the generator does."""
    at, owner, seen, gifts = {}, {}, {}, {}
    for act, hit in told(row):
        person, thing = hit["p"], hit["x"].removeprefix("the ")
        if act == "go":
            at[person] = thing
        else:
            owner[thing] = {"take": person, "drop": None, "give": hit.get("q")}[act]
            seen.setdefault(thing, [])
            if act == "give":
                gifts[thing, hit["q"]] = person
        for owned, who in owner.items():
            room = at[who] if who else None
            if room and seen[owned][-1:] != [room]:
                seen[owned].append(room)
    words = row["question"].rstrip("?").split()
    if row["form"] == "giver":
        return gifts[words[3], words[5]]
    if row["form"] == "yes-no":
        return "yes" if at[words[1]] == words[-1] else "no"
    if row["form"] == "before":
        return seen[words[3]][-2]
    if row["form"] == "once":
        return at[words[-2]]
    if row["form"] == "person":
        return at[words[-1]]
    if row["form"] == "thing":
        return seen[words[-1]][-1]
    carried = [thing for thing, who in owner.items() if who == words[-2]]
    return str(len(carried)) if row["form"] == "count" else ", ".join(carried)
