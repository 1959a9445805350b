from lottery_plugins.results.compare import compare


def verdict_of(comparison):
    return comparison.tasks[0].arms[1].judged


def test_a_verdict_that_hangs_on_failed_samples_is_told_of(runs):
    original = runs.write("original", {"t": [1.0] * 200})
    ticket = runs.write("ticket", {"t": [1.0] * 200}, model_args="ticket")
    runs.write_ledger("ticket", failed=set(range(40)), num=200)
    comparison = compare(original, {"ticket": ticket})
    judged = verdict_of(comparison)
    assert (judged.verdict, judged.verdict_without_failed) == ("inferior", "non_inferior")
    assert any("hangs on failed samples" in note and "non_inferior" in note for note in comparison.notes)


def test_failures_of_the_baseline_are_left_out_too(runs):
    original = runs.write("original", {"t": [1.0] * 200})
    ticket = runs.write("ticket", {"t": [0.0] * 40 + [1.0] * 160}, model_args="ticket")
    runs.write_ledger("original", failed=set(range(40)), num=200)
    assert verdict_of(compare(original, {"ticket": ticket})).verdict_without_failed == "non_inferior"


def test_nothing_is_said_when_nothing_failed_or_nothing_is_left(runs):
    original = runs.write("original", {"t": [1.0, 0.0] * 20})
    ticket = runs.write("ticket", {"t": [1.0, 0.0] * 20}, model_args="ticket")
    assert verdict_of(compare(original, {"ticket": ticket})).verdict_without_failed is None
    runs.write_ledger("ticket", failed=set(range(40)), num=40)
    assert verdict_of(compare(original, {"ticket": ticket})).verdict_without_failed is None


def test_the_same_verdict_makes_no_note(runs):
    original = runs.write("original", {"t": [1.0] * 300})
    ticket = runs.write("ticket", {"t": [1.0] * 300}, model_args="ticket")
    runs.write_ledger("ticket", failed={0}, num=300)
    comparison = compare(original, {"ticket": ticket})
    assert verdict_of(comparison).verdict_without_failed == verdict_of(comparison).verdict == "non_inferior"
    assert not any("failed samples" in note for note in comparison.notes)
