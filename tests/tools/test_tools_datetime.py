"""Dates are computed as calendars have them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.testing.contracts.tool import check_tool
from lottery_plugins.tools.date_time import DateTime

NOW = "2026-03-10T12:00+01:00"
GOOD_CALLS = [
    ({"expression": "2024-01-31 + 1 month"}, "2024-02-29 (Thursday)"),
    ({"expression": "2024-02-29 13:30 Europe/Rome to Asia/Tokyo"}, "2024-02-29 21:30:00 Asia/Tokyo (Thursday)"),
]


def ask(question, **options):
    return DateTime(**options).call({"expression": question}).text


def test_the_tool_keeps_the_contract():
    check_tool(DateTime, good_calls=GOOD_CALLS)
    check_tool(DateTime, good_calls=[({"expression": "now"}, "2026-03-10 12:00:00 +01:00")], options={"now": NOW})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("2024-02-29", "2024-02-29 (Thursday)"),
        ("2024-02-29 - 1 year", "2023-02-28 (Tuesday)"),
        ("2024-02-29 + 4 years - 3 days", "2028-02-26 (Saturday)"),
        ("2000-02-29 minus 100 years", "1900-02-28 (Wednesday)"),
        ("30 days after 2024-02-29", "2024-03-30 (Saturday)"),
        ("3 weeks before March 1st, 2024", "2024-02-09 (Friday)"),
        ("Thursday, 29 February 2024 plus 2 weeks and 1 day", "2024-03-15 (Friday)"),
        ("2024/02/29 + an hour", "2024-02-29 01:00:00 (Thursday)"),
        ("2024-05-01 - 2024-02-29", "62 days (2 months, 2 days)"),
        ("2024-02-29 - 2024-05-01", "-62 days (2 months, 2 days back)"),
        ("2024-02-29 10:00 - 2024-02-28 08:30", "1 day, 1 hour, 30 minutes (91800 seconds)"),
        ("days between 2024-02-01 and 2024-03-01", "29 days"),
        ("How many weeks are between 2024-02-01 and 2024-03-01?", "4.142857 weeks"),
        ("months from 2023-01-31 to 2024-03-01", "13 months"),
        ("years between 1990-06-15 and 2024-06-14", "33 years"),
        ("years between 2024-06-14 and 1990-06-15", "-33 years"),
        ("hours between 2024-02-29 10:00 and 2024-03-01", "14 hours"),
        ("hours between 2024-02-29 10:00 UTC and 2024-02-29 10:00 Asia/Tokyo", "-9 hours"),
        ("weekday of 2024-02-29", "Thursday"),
        ("What day of the week was July 4, 1776?", "Thursday"),
        ("2024-02-29 12:15am", "2024-02-29 00:15:00 (Thursday)"),
        ("2024-02-29T13:30Z in New York", "2024-02-29 08:30:00 America/New_York (Thursday)"),
        ("2024-02-29 1:30 pm UTC+5:30 to UTC", "2024-02-29 08:00:00 UTC (Thursday)"),
        ("2024-10-27 02:30 Europe/Rome to UTC", "2024-10-27 00:30:00 UTC (Sunday)"),
        ("2024-03-30 12:00 Europe/Rome + 24 hours", "2024-03-31 13:00:00 Europe/Rome (Sunday)"),
        ("2024-03-30 12:00 Europe/Rome + 1 day", "2024-03-31 12:00:00 Europe/Rome (Sunday)"),
    ],
)
def test_questions_are_answered(question, answer):
    assert ask(question) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("today", "2026-03-10 (Tuesday)"),
        ("tomorrow", "2026-03-11 (Wednesday)"),
        ("now in Tokyo", "2026-03-10 20:00:00 Asia/Tokyo (Tuesday)"),
        ("3 days ago", "2026-03-07 12:00:00 +01:00 (Saturday)"),
        ("in 2 weeks", "2026-03-24 12:00:00 +01:00 (Tuesday)"),
        ("What is 45 days from today?", "2026-04-24 (Friday)"),
        ("days between today and 2026-12-25", "290 days"),
    ],
)
def test_the_present_is_what_the_run_says(question, answer):
    assert ask(question, now=NOW) == answer
    with pytest.raises(ToolError, match="this run has no present moment") as caught:
        ask(question)
    assert caught.value.category == "denied"


def test_the_clock_is_read_only_when_asked_for():
    before = datetime.now(UTC).replace(microsecond=0)
    told = datetime.strptime(ask("now", now="clock").split(" UTC")[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert before <= told <= datetime.now(UTC)


@pytest.mark.parametrize("now", ["2026-03-10", "2026-03-10T12:00", "noon", ""])
def test_a_present_without_a_zone_is_refused(now):
    with pytest.raises(ConfigError, match=r"datetime.now: got .*a time with its zone"):
        DateTime(now=now)


@pytest.mark.parametrize(
    ("question", "problem", "category"),
    [
        ("2024-02-30", "there is no date '2024-02-30'", "domain"),
        ("2024-02-29 25:00", "there is no time '2024-02-29 25:00'", "domain"),
        ("2024-02-29 13pm", "there is no hour 13 pm", "domain"),
        ("2024-03-31 02:30 Europe/Rome to UTC", "clocks in Europe/Rome skip 2024-03-31 02:30", "domain"),
        ("9999-12-31 + 1 day", "before the year 1 or after 9999", "domain"),
        ("0001-01-01 - 1 month", "before the year 1 or after 9999", "domain"),
        ("2024-01-01 + 9999999 years", "before the year 1 or after 9999", "domain"),
        ("9999-12-31 23:00 UTC to Asia/Tokyo", "before the year 1 or after 9999", "domain"),
        ("03/04/2024", "cannot read '03/04/2024' as a date. Write dates as 2024-02-29", "arguments"),
        ("2024-02-29 + 3 dogs", "cannot read '3 dogs' as a span of time", "arguments"),
        ("2024-02-29 13:30 to UTC", "the time has no time zone. Write it behind the time", "arguments"),
        (
            "2024-02-29 13:30 Europe/Rom to UTC",
            "no time zone is called 'Europe/Rom'. Write a name such as Europe/Rome",
            "arguments",
        ),
        ("2024-02-29 13:30 ../../etc/passwd to UTC", "no time zone is called", "arguments"),
        ("2024-02-29 13:30 UTC+15 to UTC", "no time zone has the offset", "arguments"),
        ("2024-02-29 10:00 UTC - 2024-02-28 10:00", "only one of the times has a time zone", "arguments"),
        ("hello", "cannot read 'hello' as a date", "arguments"),
    ],
)
def test_what_has_no_answer_is_refused_with_the_reason(question, problem, category):
    with pytest.raises(ToolError) as caught:
        ask(question)
    assert problem in str(caught.value)
    assert caught.value.category == category


DATES = st.dates(date(1000, 1, 1))


@given(DATES, st.integers(0, 9999))
def test_days_added_are_the_days_between(start, days):
    try:
        end = start + timedelta(days=days)
    except OverflowError:
        return
    assert ask(f"{start} + {days} days") == f"{end} ({end:%A})"
    assert ask(f"days between {start} and {end}") == f"{days} day{'s' * (days != 1)}"
    assert ask(f"days from {end} to {start}") == f"{-days} days"
    assert ask(f"{days} days before {end}") == f"{start} ({start:%A})"


@given(DATES, DATES)
def test_years_months_and_days_between_lead_from_one_date_to_the_other(first, second):
    start, end = sorted((first, second))
    told = ask(f"{end} - {start}")
    if "(" in told:
        parts = told.split("(")[1].rstrip(")").replace(", ", " and ")
        assert ask(f"{start} + {parts}") == f"{end} ({end:%A})"
    assert int(told.split()[0]) == (end - start).days


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2037, 1, 1)).map(lambda m: m.replace(microsecond=0)),
    st.sampled_from(("Europe/Rome", "Asia/Tokyo", "America/St_Johns", "UTC")),
    st.sampled_from(("Pacific/Auckland", "Asia/Kathmandu", "UTC")),
)
def test_zones_are_those_of_the_standard_library(moment, start, target):
    given_time = moment.replace(tzinfo=ZoneInfo(start))
    if given_time.astimezone(UTC).astimezone(ZoneInfo(start)).replace(tzinfo=None) != moment:
        with pytest.raises(ToolError, match="skip"):
            ask(f"{moment} {start} to {target}")
    else:
        expected = given_time.astimezone(ZoneInfo(target)).replace(tzinfo=None, fold=0)
        assert ask(f"{moment} {start} to {target}") == f"{expected} {target} ({expected:%A})"
