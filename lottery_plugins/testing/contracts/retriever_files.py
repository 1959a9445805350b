"""What a retriever keeps whose index is kept in files, and one that is made of others; part of `check_retriever`."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lottery_plugins.documents import Document
from lottery_plugins.protocols.retriever import CompositeRetriever, PersistentRetriever
from lottery_plugins.retrievers.stored_documents import StoredDocuments, write_documents
from lottery_plugins.testing.strategies import corpora, queries

__all__ = ["check_composition", "check_persistence"]


def check_persistence(retriever: PersistentRetriever, twin: PersistentRetriever) -> None:
    """An index opened from files finds what one built in memory finds.

    Args:
        retriever: Writes the files.
        twin: Another one with the same options, which opens them as another process would.

    Raises:
        AssertionError: With what is wrong.
    """
    version = retriever.index_version()
    assert isinstance(version, str), f"index_version() is {version!r}; wanted is text"
    assert version.strip(), "index_version() is blank"
    assert twin.index_version() == version, f"index_version() of equal options: {version!r}, {twin.index_version()!r}"

    @_few()
    @given(corpus=corpora(), query=queries(), top_k=st.integers(1, 20))
    def any_search(corpus: tuple[Document, ...], query: str, top_k: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            _check_files(retriever, twin, corpus, (query, top_k), Path(folder))

    any_search()


def _check_files(
    writer: PersistentRetriever,
    reader: PersistentRetriever,
    corpus: tuple[Document, ...],
    asked: tuple[str, int],
    folder: Path,
) -> None:
    first, moved, kept = folder / "first", folder / "moved", folder / "documents"
    for made in (first, kept):
        made.mkdir()
    write_documents(enumerate(corpus), "corpus", kept)
    documents = StoredDocuments(kept)
    writer.write_index(documents, first)
    shutil.copytree(first, moved)
    shutil.rmtree(first)
    before = _content(moved)
    wanted = list(writer.build(corpus).search(*asked))
    for _ in range(2):
        found = list(reader.open_index(documents, moved).search(*asked))
        assert found == wanted, f"opened from files, {asked} finds {found}; in memory it finds {wanted}"
    assert _content(moved) == before, "opening or searching has changed the files"


def check_composition(retriever: CompositeRetriever) -> None:
    """Fusing the indexes of the parts gives the index that `build` gives.

    Raises:
        AssertionError: With what is wrong.
    """
    assert list(retriever.parts()), "a composite without parts"
    assert list(retriever.parts()) == list(retriever.parts()), "parts() gives others the second time"
    for part in retriever.parts():
        assert part.searches == retriever.searches, f"{part.name} searches a {part.searches}"

    @_few()
    @given(corpus=corpora(), query=queries(), top_k=st.integers(1, 20))
    def any_search(corpus: Sequence[Document], query: str, top_k: int) -> None:
        wanted = list(retriever.build(corpus).search(query, top_k))
        fused = retriever.fuse(corpus, [part.build(corpus) for part in retriever.parts()])
        found = list(fused.search(query, top_k))
        assert found == wanted, f"fused, {query!r} finds {found}; built at once it finds {wanted}"

    any_search()


def _few() -> settings:
    """Fewer examples than a profile may ask for: each of them writes and reads files, or builds several indexes."""
    examples = min(settings().max_examples, 50)
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False
    )


def _content(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
