"""Small data sets laid out as the published ones, for the tasks that read a user's folder."""

import gzip
import json

NUMBER_OF_ROWS = 45


def gsm8k(i):
    return {
        "question": f"A box holds {i + 2} pens and 5000 caps. How many?",
        "answer": f"Think <<1+1=2>>.\n#### {i + 5002:,}",
    }


def svamp(i):
    body, question = f"There are {i + 20} cows and 7000 hens", "How many animals are there?"
    return {"ID": f"chal-{i}", "Body": body, "Question": question, "Equation": "", "Answer": f"{i + 7020}.0"}


def popqa(i):
    answers = json.dumps([f"Composer {i}", f"C. {i}"])
    return {
        "id": i,
        "question": f"Who composed tune {i}?",
        "possible_answers": answers,
        "s_pop": 3 * i,
        "prop": "composer",
    }


def logic(i):
    return {
        "id": f"row-{i}",
        "context": f"Every wumpus is red. Item{i} is a wumpus.",
        "question": f"Is the following statement true or false? Item{i} is red.",
        "options": ["A) True", "B) False"],
        "answer": "AB"[i % 2],
    }


def function(name, *parameters):
    properties = {p: {"type": "integer", "description": f"The {p}."} for p in parameters}
    required = list(parameters[:1])
    return {
        "name": name,
        "description": f"Computes {name}.",
        "parameters": {"type": "dict", "properties": properties, "required": required},
    }


def simple(i):
    functions = [function(f"area.of_{i}", "width", "height")]
    return call_row(
        i,
        f"What is area {i} of a width of {i + 3}?",
        functions,
        [{f"area.of_{i}": {"width": [i + 3], "height": ["", 2]}}],
    )


def multiple(i):
    functions = [function(f"count_{i}", "of"), function("weigh", "of", "in")]
    return call_row(i, f"Count the {i} things, {i + 100} of them.", functions, [{f"count_{i}": {"of": [i + 100]}}])


def irrelevance(i):
    return call_row(i, f"Who painted picture {i}?", [function("sum_up", "numbers")], "")


def call_row(i, question, functions, accepted):
    turns = [[{"role": "user", "content": question}]]
    truth = json.dumps(accepted) if accepted else ""
    return {"id": f"row_{i}", "question": turns, "function": json.dumps(functions), "ground_truth": truth}


FILES = {
    "gsm8k.test.jsonl": gsm8k,
    "svamp.jsonl.gz": svamp,
    "popqa_1k.dev.jsonl": popqa,
    "logic/prontoqa_dev.jsonl": logic,
    "logic/proofwriter_dev.dev.jsonl.gz": logic,
    "logic/logical_deduction_dev.jsonl": logic,
    "bfcl/simple_python.jsonl.gz": simple,
    "bfcl/multiple.jsonl": multiple,
    "bfcl/irrelevance.jsonl": irrelevance,
}


def write_rows(path, rows):
    path.parent.mkdir(exist_ok=True, parents=True)
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def write_folder(folder):
    for name, make in FILES.items():
        write_rows(folder / name, [make(i) for i in range(NUMBER_OF_ROWS)])
    return folder
