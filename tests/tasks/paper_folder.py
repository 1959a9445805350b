"""Small data sets laid out as the published ones, for the tasks that read a user's folder."""

import gzip
import json
from functools import partial

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


def asdiv(i):
    body, question = f"Ann has {i + 2} cards and 3000 coins.", "How many things has she?"
    return {"body": body, "question": question, "answer": f"{i + 3002} (things)", "formula": "", "solution_type": ""}


def addsub(i):
    return {"input": f"Tom found {i + 2} shells and 4000 stones. How many?", "output_answer": f"{i + 4002}.0"}


def multiarith(i):
    return {"question": f" A shop sold {i + 2} pens and 6000 caps. How many? ", "final_ans": f"{i + 6002}"}


def gsm_hard(i):
    return {"input": f"A ship carries {i + 2} and 8000000 tons. How many?", "code": "", "target": 8000002.0 + i}


def nq(i):
    return {"question": f"who wrote novel number {i}", "answer": [f"Author {i}", f"A. {i}"]}


def squad(i):
    answers = [f"answer{i}", f"item{i}"]
    return {"id": str(i), "question": f"What is thing {i}?", "answers": answers, "gold_id": f"page#{i}"}


def freebaseqa(i):
    parses = [{"Answers": [{"AnswersName": [f"River {i}", f"R. {i}"]}]}]
    return {"Question-ID": f"q-{i}", "RawQuestion": f"What flows through town {i}?", "Parses": parses}


def asqa(i):
    pairs = [{"short_answers": [f"Miller {i}", f"M. {i}"]}, {"short_answers": [f"Baker {i}"]}]
    return {"sample_id": i, "ambiguous_question": f"Who won match {i}?", "qa_pairs": pairs}


def folio(i):
    premises = f"All cats purr.\nTom{i} is a cat."
    label = ("True", "False", "Uncertain")[i % 3]
    return {"premises": premises, "conclusion": f"Tom{i} purrs.", "label": label, "example_id": i}


def ar_lsat(i):
    query = f"Five books stand in row {i}.Q: Which one is first? Answer Choices: (A)red (B)blue\nA: Among A through E"
    return {"query": query, "choices": [f"(A)red {i}", f"(B)blue {i}"], "gold": [i % 2]}


def mmlu(i):
    return {
        "question": f"What is {i}?",
        "subject": "odd",
        "choices": ["a bird", "a\nfish", "tea", "4"],
        "answer": i % 4,
    }


def strategyqa(i):
    return {"qid": f"s{i}", "question": f"Could bird {i} fly to the moon?", "answer": i % 2 == 0, "facts": []}


def triviaqa(i):
    pages = {
        "title": ["Empty", "Page"],
        "wiki_context": ["Nothing here.", f"{'word ' * 300}The capital is Town {i}. End"],
    }
    return {
        "question_id": f"t{i}",
        "question": f"What is the capital of land {i}?",
        "entity_pages": pages,
        "answer": {"value": f"Town {i}", "aliases": [f"City {i}"]},
    }


def hotpotqa(i):
    context = {"title": ["First", "Second"], "sentences": [[f"Film {i} is old.", " It is long."], [f"Ann{i} made it."]]}
    question = f"Who made the long film {i}?"
    return {"id": f"h{i}", "question": question, "answer": f"Ann{i}", "type": "bridge", "level": "", "context": context}


def musique(i):
    paragraphs = [{"title": "River", "paragraph_text": f"River {i} is in Land{i}.", "is_supporting": True}]
    row = {"id": f"{2 + i % 3}hop__{i}", "paragraphs": paragraphs, "question": f"Where is river {i}?"}
    return {**row, "answer": f"Land{i}", "answer_aliases": [f"Country {i}"], "answerable": True}


def babilong(task, i):
    name, place = f"Mary{task}{i}", ("garden", "kitchen", "office")[i % 3]
    return {"input": f"{name} went to the {place}.", "question": f"Where is {name}?", "target": place}


def summary(i):
    return {
        "id": f"c{i}",
        "article": f"Town {i} built a bridge. It cost much.",
        "highlights": f"Town {i} built\na bridge .",
    }


def ifeval(i):
    names = ["punctuation:no_comma", "length_constraints:number_words"]
    given = [{"num_words": None, "relation": None}, {"num_words": i + 1, "relation": "at least"}]
    return {"key": i, "prompt": f"Write {i + 1} words.", "instruction_id_list": names, "kwargs": given}


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
    "asdiv.jsonl": asdiv,
    "addsub.jsonl": addsub,
    "multiarith.jsonl": multiarith,
    "gsm_hard.dev.jsonl.gz": gsm_hard,
    "nq_open.dev.jsonl": nq,
    "rag/squad_questions.dev.jsonl.gz": squad,
    "freebase_qa.jsonl": freebaseqa,
    "asqa_dev.dev.jsonl.gz": asqa,
    "logic/folio_dev.jsonl": folio,
    "logic/ar_lsat_test.jsonl": ar_lsat,
    "mmlu.jsonl": mmlu,
    "strategyqa_dev.dev.jsonl": strategyqa,
    "trivia_qa.jsonl": triviaqa,
    "hotpotqa_100.dev.jsonl.gz": hotpotqa,
    "musique_100.dev.jsonl.gz": musique,
    **{f"babilong_0k/qa{number}.jsonl": partial(babilong, number) for number in range(1, 6)},
    "cnn_dailymail.jsonl": summary,
    "ifeval.jsonl": ifeval,
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
