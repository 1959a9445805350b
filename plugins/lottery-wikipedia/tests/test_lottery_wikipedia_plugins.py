"""The tools and the retriever: contracts, texts for the model, recording and replay."""

import itertools
import pickle
import subprocess
import sys

import pytest

pytest.importorskip("wikipediaapi")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lottery_wikipedia import WikipediaRetriever, WikipediaTools
from lottery_wikipedia.encyclopedia import Page, Section
from lottery_wikipedia.retriever import passages_of
from lottery_wikipedia.snapshot import Recording
from wikipedia_server import AGENT, PAGES

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, DataError, ToolError
from lottery_plugins.protocols.retriever import Retriever
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.retriever import check_outside_retriever
from lottery_plugins.testing.contracts.tool import check_tool_set


def open_tools(wiki, **options):
    """The tools by what they do."""
    opened = WikipediaTools(AGENT, mirror=wiki.address, **options).open()
    return {tool.name.removeprefix("wikipedia_"): tool for tool in opened}


@pytest.fixture
def snapshot(wiki, tmp_path):
    """A file with all pages and a search, and the number of requests it took."""
    path = tmp_path / "wiki.jsonl"
    tools = open_tools(wiki, record=str(path))
    for title in PAGES:
        tools["summary"].call({"title": title})
    tools["search"].call({"query": "heron size"})
    index = WikipediaRetriever(AGENT, mirror=wiki.address, record=str(path)).build(())
    index.search("size of the grey heron", 3)
    return path


def replayed(path, **options):
    return {tool.name.removeprefix("wikipedia_"): tool for tool in WikipediaTools(replay=str(path), **options).open()}


def test_the_retriever_is_a_plugin_of_its_kind():
    check_plugin(WikipediaRetriever, user_agent=AGENT)
    assert isinstance(WikipediaRetriever(AGENT), Retriever)


def test_the_tools_keep_the_contract_of_tool_sets(snapshot):
    calls = [
        ("wikipedia_search", {"query": "heron size"}, "1. Grey heron: about Grey heron & co\n2. Heron:"),
        ("wikipedia_summary", {"title": "Heron"}, "There are 74 species.\nSections: Behaviour; Feeding; Names"),
        ("wikipedia_section", {"title": "Heron", "section": "feeding"}, "They eat fish"),
    ]
    check_tool_set(WikipediaTools, good_calls=calls, options={"replay": str(snapshot)})


def test_a_section_comes_with_those_in_it(wiki):
    told = open_tools(wiki)["section"].call({"title": "Heron", "section": "BEHAVIOUR"}).text
    assert told == (
        "Heron: BEHAVIOUR\nThey stand still for a long time.\n\n"
        "Feeding\nThey eat fish, frogs and insects.\nSome eat voles."
    )


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("summary", {"title": "Unicorn"}, "Wikipedia has no page 'Unicorn'. Find its title with wikipedia_search."),
        (
            "section",
            {"title": "Heron", "section": "Size"},
            "has no section 'Size'. Its sections: Behaviour; Feeding; Names.",
        ),
        ("section", {"title": "Łódź", "section": "Size"}, "has no section 'Size'. Its sections: none."),
        ("section", {"title": "Heron"}, "the argument 'section' is missing. Arguments: title, section."),
        ("search", {"q": "heron"}, "no argument is called 'q'. Arguments: query."),
        ("summary", {"title": ["Heron"]}, "must be text, not list"),
    ],
)
def test_what_can_not_be_answered_is_told_to_the_model(wiki, name, arguments, told):
    with pytest.raises(ToolError) as error:
        open_tools(wiki)[name].call(arguments)
    assert told in str(error.value)


def test_a_search_without_a_page_says_what_it_might_be(wiki):
    assert open_tools(wiki)["search"].call({"query": "zzz"}).text == "No page fits 'zzz'. Did you mean 'heron'?"


def test_a_long_text_is_cut_and_says_so(wiki, monkeypatch):
    monkeypatch.setitem(PAGES, "Long", "word " * 100)
    told = open_tools(wiki, max_chars=100)["summary"].call({"title": "Long"}).text
    assert told == f"Long\n{('word ' * 20)}\n[cut: 100 of 499 characters]"


def test_without_a_network_the_model_is_told(wiki):
    tools = WikipediaTools(AGENT, mirror="http://127.0.0.1:9/w/api.php").open()
    with pytest.raises(ToolError, match=r"wikipedia_search: 127\.0\.0\.1 can't be reached") as error:
        tools[0].call({"query": "heron"})
    assert error.value.category == "timeout"


def test_tools_travel_to_worker_processes(snapshot):
    tool = replayed(snapshot)["summary"]
    copy = pickle.loads(pickle.dumps(tool))
    assert copy == tool
    assert copy.call({"title": "Heron"}) == tool.call({"title": "Heron"})


def test_a_recorded_run_is_replayed_without_a_request(wiki, snapshot):
    before = len(wiki.asked)
    tools = replayed(snapshot)
    assert tools["search"].call({"query": "heron size"}).text.startswith("1. Grey heron")
    assert "74 species" in tools["summary"].call({"title": "Heron"}).text
    assert "red brick" in tools["section"].call({"title": "Clock tower", "section": "Bricks"}).text
    found = WikipediaRetriever(replay=str(snapshot)).build(()).search("size of the grey heron", 3)
    assert found[0].document.id == "en:Grey heron#Size"
    assert len(wiki.asked) == before


def test_what_is_not_recorded_is_a_clear_observation(snapshot):
    with pytest.raises(ToolError, match="the recorded snapshot has no answer to the page 'Unicorn'") as error:
        replayed(snapshot)["summary"].call({"title": "Unicorn"})
    assert error.value.category == "denied"


@pytest.mark.parametrize("title", ["heron", "Heron", " heron ", "Herons", "herons"])
def test_a_page_is_replayed_however_its_title_is_typed(wiki, tmp_path, title):
    path = tmp_path / "wiki.jsonl"
    open_tools(wiki, record=str(path))["summary"].call({"title": "herons"})
    assert replayed(path)["summary"].call({"title": title}).text.startswith("Heron\n")


def test_a_page_that_was_missing_when_recorded_is_missing_in_the_replay(wiki, tmp_path):
    path = tmp_path / "wiki.jsonl"
    with pytest.raises(ToolError, match="Wikipedia has no page 'Unicorn'"):
        open_tools(wiki, record=str(path))["summary"].call({"title": "Unicorn"})
    with pytest.raises(ToolError, match="Wikipedia has no page 'Unicorn'"):
        replayed(path)["summary"].call({"title": "Unicorn"})


def test_failures_are_not_recorded(wiki, tmp_path):
    path = tmp_path / "wiki.jsonl"
    wiki.faults = [(404, {}, b"")]
    tools = open_tools(wiki, record=str(path))
    with pytest.raises(ToolError, match="status 404"):
        tools["summary"].call({"title": "Heron"})
    assert not path.exists()
    assert "74 species" in tools["summary"].call({"title": "Heron"}).text


def test_what_is_recorded_is_not_asked_again(wiki, snapshot):
    before = len(wiki.asked)
    open_tools(wiki, record=str(snapshot))["summary"].call({"title": "Heron"})
    assert len(wiki.asked) == before


def test_the_stamp_names_the_content_of_the_snapshot(wiki, snapshot):
    tools = WikipediaTools(replay=str(snapshot))
    before = tools.stamp
    assert before.startswith("sha256:")
    assert tools.open()[0].stamp == WikipediaRetriever(replay=str(snapshot)).stamp == before
    Recording(snapshot).add((("language", "en"), ("page", "more")), {})
    assert WikipediaTools(replay=str(snapshot)).stamp != before
    assert WikipediaTools(AGENT).stamp == ""


def test_passages_are_ranked_by_the_words_of_the_query(wiki):
    retriever = WikipediaRetriever(AGENT, mirror=wiki.address)
    found = retriever.build(()).search("What do herons eat?", 2)
    assert found[0].document == Document(
        "en:Heron#Behaviour/Feeding", "They eat fish, frogs and insects.\nSome eat voles.", "Heron: Behaviour / Feeding"
    )
    assert all(better.score >= worse.score for better, worse in itertools.pairwise(found))
    assert len(found) <= 2


def test_a_document_may_be_a_paragraph(wiki):
    found = WikipediaRetriever(AGENT, mirror=wiki.address, passage="paragraph").build(()).search("voles", 1)
    assert (found[0].document.id, found[0].document.text) == ("en:Heron#Behaviour/Feeding~2", "Some eat voles.")


@pytest.mark.parametrize("query", ["", " \n ", "zzz", "\ud800"])
def test_a_query_that_fits_nothing_finds_nothing(wiki, query):
    assert WikipediaRetriever(AGENT, mirror=wiki.address).build(()).search(query, 3) == []


def test_a_retriever_without_a_network_ends_the_run_instead_of_hiding_it(wiki):
    index = WikipediaRetriever(AGENT, mirror="http://127.0.0.1:9/w/api.php").build(())
    with pytest.raises(DataError, match=r"can't be reached.*replay=PATH"):
        index.search("heron", 3)


def test_a_new_query_in_a_replay_ends_the_run_or_searches_all_recorded_pages(snapshot):
    with pytest.raises(DataError, match="unrecorded=local"):
        WikipediaRetriever(replay=str(snapshot)).build(()).search("brick towers", 3)
    local = WikipediaRetriever(replay=str(snapshot), unrecorded="local").build(())
    assert local.search("brick towers", 3)[0].document.id == "en:Clock tower#Bricks"


@pytest.mark.parametrize("passage", ["section", "paragraph"])
def test_the_retriever_keeps_the_contract_of_retrievers_with_documents_of_their_own(snapshot, passage):
    retriever = WikipediaRetriever(replay=str(snapshot), unrecorded="local", passage=passage)
    check_outside_retriever(retriever, good_queries=[("size of the grey heron", "Grey heron"), ("bricks", "red brick")])


def test_documents_that_would_not_be_searched_are_refused(wiki):
    with pytest.raises(ConfigError, match="retriever=bm25"):
        WikipediaRetriever(AGENT, mirror=wiki.address).build([Document("a", "b")])


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (WikipediaTools, {"top_k": 0}),
        (WikipediaTools, {"max_chars": 5}),
        (WikipediaRetriever, {"top_k": 0}),
        (WikipediaRetriever, {"pages": 21}),
        (WikipediaRetriever, {"max_words": 5}),
        (WikipediaRetriever, {"passage": "word"}),
        (WikipediaRetriever, {"unrecorded": "maybe"}),
    ],
)
def test_options_out_of_range_are_refused(cls, options):
    with pytest.raises(ConfigError, match=f"wikipedia.{next(iter(options))}"):
        cls(AGENT, **options)


_HEADINGS = st.lists(st.sampled_from(("A", "B", "A/B", "")), min_size=1, max_size=3).map(tuple)
_TEXTS = st.lists(st.sampled_from(("a", "b ", " ", "\n", "word " * 30)), max_size=12).map("".join)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(
    summary=_TEXTS,
    sections=st.lists(st.tuples(_HEADINGS, _TEXTS), max_size=6),
    passage=st.sampled_from(("section", "paragraph")),
)
def test_passages_hold_every_word_once_under_different_ids(summary, sections, passage):
    page = Page("Heron", summary, tuple(Section(path, text) for path, text in sections))
    documents = list(passages_of(page, WikipediaRetriever(AGENT, passage=passage, max_words=20)))
    ids = [document.id for document in documents]
    assert len(set(ids)) == len(ids)
    assert all(0 < len(document.text.split()) <= 20 for document in documents)
    words = [word for text in (summary, *(text for _, text in sections)) for word in text.split()]
    assert [word for document in documents for word in document.text.split()] == words


def test_a_long_section_is_cut_at_its_paragraphs():
    paragraphs = [" ".join([letter] * 12) for letter in "abc"]
    page = Page("Heron", "\n".join(paragraphs), ())
    documents = list(passages_of(page, WikipediaRetriever(AGENT, max_words=25)))
    assert [document.text for document in documents] == ["\n".join(paragraphs[:2]), paragraphs[2]]
    assert [document.id for document in documents] == ["en:Heron", "en:Heron~2"]


def test_plugins_are_listed_without_importing_the_library():
    program = "import sys, lottery_wikipedia as p; p.lottery_tools(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert not {"wikipediaapi", "httpx", "filelock"} & set(done.stdout.split())
