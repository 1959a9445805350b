from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.results.statistics import TangoDifference
from lottery_plugins.results.verdict import VERDICTS, TaskTest, against_margin, group_verdict, judge

TABLES = st.lists(st.tuples(st.integers(5, 400), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=5)
MARGINS = st.floats(0.001, 0.5)


def both_tests(tables, margin):
    return [against_margin(TangoDifference(n + gained + lost, gained, lost), margin) for n, gained, lost in tables]


@given(TABLES, MARGINS, MARGINS)
def test_a_wider_margin_never_makes_a_verdict_worse(tables, one, other):
    narrow, wide = (both_tests(tables, margin) for margin in sorted((one, other)))
    before, after = judge(narrow, 0.05), judge(wide, 0.05)
    assert all(VERDICTS.index(b) <= VERDICTS.index(a) for b, a in zip(before, after, strict=True))
    groups = group_verdict(narrow, before, 0.05), group_verdict(wide, after, 0.05)
    assert VERDICTS.index(groups[0]) <= VERDICTS.index(groups[1])


@given(TABLES, MARGINS)
def test_one_task_is_judged_by_its_interval_alone(tables, margin):
    n, gained, lost = tables[0]
    estimate = TangoDifference(n + gained + lost, gained, lost)
    interval = estimate.interval(0.05)
    expected = "non_inferior" if interval.low > -margin else "inferior" if interval.high < -margin else "inconclusive"
    assert judge([against_margin(estimate, margin)], 0.05) == [expected]


def test_verdicts_of_several_tasks_are_corrected_by_holm():
    borderline, clear = TaskTest(0.04, 0.96), TaskTest(0.001, 0.999)
    assert judge([borderline], 0.05) == ["non_inferior"]
    assert judge([borderline, borderline], 0.05) == ["inconclusive", "inconclusive"]
    assert judge([clear, borderline], 0.05) == ["non_inferior", "non_inferior"]
    assert judge([TaskTest(0.999, 0.001), TaskTest(0.5, 0.5)], 0.05) == ["inferior", "inconclusive"]


def test_a_group_needs_every_task_at_level_alpha_and_no_correction():
    borderline, open_task, bad = TaskTest(0.04, 0.96), TaskTest(0.06, 0.94), TaskTest(0.999, 0.001)
    assert group_verdict([borderline, borderline], ["inconclusive"] * 2, 0.05) == "non_inferior"
    assert group_verdict([borderline, open_task], ["inconclusive"] * 2, 0.05) == "inconclusive"
    assert group_verdict([borderline, bad], ["inconclusive", "inferior"], 0.05) == "inferior"
