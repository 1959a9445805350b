"""What a search says of its tickets fits a terminal, and tells the reason of each."""

from rich.console import Console

from lottery_plugins.search.record import Record
from lottery_plugins.search.show import reasons, records_table


def record(number, ticket, state, why=""):
    return Record(number=number, ticket=ticket, point={}, state=state, why=why)


RECORDS = [
    record(0, "compression=int8+snapkv:compression_ratio=0.5, augmentation=plain", "finished", "not shown on one"),
    record(1, "compression=[bold]x, augmentation=helped", "accepted"),
    record(2, "compression=none, augmentation=plain", "finished", "not shown on one"),
    record(3, "compression=none, augmentation=helped", "dearer", "twice as dear"),
]


def test_tickets_of_one_reason_are_told_together():
    assert reasons(RECORDS) == ["- 0, 2: not shown on one", "- 3: twice as dear"]


def test_the_table_breaks_no_word_on_80_columns_and_reads_names_as_text():
    console = Console(width=80)
    with console.capture() as captured:
        console.print(records_table("Tickets", RECORDS, RECORDS[1]))
    text = captured.get()
    assert "* 1" in text
    assert "compression=[bold]x" in text
    for word in ("augmentation=plain", "augmentation=helped", "difference", "weights", "finished", "accepted"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 80
