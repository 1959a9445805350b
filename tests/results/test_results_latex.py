import re

from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.results.compare import compare
from lottery_plugins.results.latex import escaped, render_latex, tabular

COMMANDS = re.compile(r"\\(?:textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar)\{\}|\$-\$")


@given(st.text())
def test_no_character_of_a_text_is_read_as_a_command(text):
    left = COMMANDS.sub("", escaped(text))
    assert not re.search(r"(?<!\\)[{}$&#%_]", left)
    assert not re.search(r"\\(?![{}$&#%_])", left)
    assert "\n" not in left


def test_every_line_of_a_table_has_a_cell_for_each_header(runs):
    original = runs.write("original", {"t_1": [1.0] * 30, "u%": [0.5, 0.25] * 15})
    ticket = runs.write("a_b", {"t_1": [1.0] * 30, "u%": [0.5, 0.2] * 15}, model_args="ticket")
    text = render_latex(compare(original, {"a_b": ticket}))
    assert r"t\_1" in text
    assert r"a\_b" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    for table in text.split(r"\end{tabular}")[:2]:
        columns = len(re.search(r"\{(lr+)\}", table)[1])
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 1
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}


def test_a_cell_that_begins_with_a_bracket_is_no_option_of_the_line_before():
    assert "{}[1, 2]" in tabular(("a", "b"), [("[1, 2]", "x")])
