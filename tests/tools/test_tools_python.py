import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.tools.python import Python, strip_fences

QUICK = {"timeout_s": 0.3, "max_memory_mb": 32}


def run(code, **options):
    return Python(**{**QUICK, **options}).call({"code": code})


def refusal(code, **options):
    with pytest.raises(ToolError) as caught:
        run(code, **options)
    return caught.value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print(1 + 1)", "2"),
        ("1 + 1", "2"),
        ("x = 20\nx + 1", "21"),
        ("print('a')\n'never shown'", "a"),
        ("'text'", "text"),
        ("['text']", "['text']"),
        ("def solution():\n    return 5 / 2\nsolution()", "2.5"),
        ("import math\nprint(math.comb(5, 2))", "10"),
        ("10 ** 50", "1" + "0" * 50),
        ("print('Łódź 不')", "Łódź 不"),
        ("print(end='')\n3", "3"),
    ],
)
def test_what_is_printed_or_else_the_last_value_comes_back(code, expected):
    result = run(code)
    assert (result.text, result.ran_in, result.error) == (expected, "monty", None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nprint(1)\n```", "print(1)"),
        ("Here it is:\n```\nprint(1)\n```\nIt prints 1.", "print(1)"),
        ("```py\nx = 1\n```\nthen\n```py\nprint(x)\n```", "x = 1\nprint(x)"),
        ("```python\nprint(1)", "print(1)"),
        ("~~~\nprint(1)\n~~~", "print(1)"),
        ("`print(1)`", "print(1)"),
        ("print('```')", "print('```')"),
        ("print(1)", "print(1)"),
        ("\n    x = 1\n    print(x)\n", "x = 1\nprint(x)"),
        ("1. So:\n   ```python\n   if x:\n       print(1)\n   ```", "if x:\n    print(1)"),
    ],
)
def test_markdown_fences_are_stripped(text, code):
    assert strip_fences(text) == code


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("while True: pass", "timeout"),
        ("sum(range(10**12))", "timeout"),
        ("try:\n    while True: pass\nexcept BaseException: pass\nwhile True: pass", "timeout"),
        ("x = []\nfor i in range(60): x = [x, x]\nx", "timeout or limit"),  # whichever cap comes first
        ("'a' * 10**10", "limit"),
        ("2 ** 10**10", "limit"),
        ("x = 'a'\nwhile True: x = x + x", "limit"),
        ("'a'.join(['b' * 1000] * 10**6)", "limit"),
        ("def f(n): return f(n + 1)\nf(0)", "limit"),
        ("print('x' * 10**6)", "limit"),
        ("'x' * 10**6", "limit"),
        ("while True: print('x')", "limit"),
        ("1 +", "arguments"),
        ("(" * 10_000, "arguments"),
        ("x = 1", "arguments"),
        ("class A: pass\nA()", "arguments"),
        ("1 / 0", "crashed"),
        ("[].missing", "crashed"),
        ("10 ** 5000", "crashed"),
        ("open('/etc/passwd').read()", "denied"),
        ("open('new', 'w')", "denied"),
        ("import socket", "denied"),
        ("import os\nos.system('true')", "denied"),
        ("__import__('os')", "denied"),
    ],
)
def test_what_goes_wrong_is_a_typed_error_within_its_limit(code, category):
    start = time.perf_counter()
    error = refusal(code)
    assert time.perf_counter() - start < 30
    assert error.category in category.split(" or "), str(error)
    assert len(str(error)) < 600


def test_an_exception_is_told_with_its_line_and_without_traceback():
    assert str(refusal("x = 0\n1 / x")) == (
        "python: ZeroDivisionError at line 2: division by zero. Correct the program."
    )


def test_too_much_output_shows_its_start():
    assert "it starts 'xyxyxy" in str(refusal("print('xy' * 10000)", max_output_chars=50))


def test_what_the_sandbox_lacks_is_refused_and_the_option_named():
    error = refusal("import statistics\nprint(statistics.mean([1, 2]))")
    assert "statistics" in str(error)
    assert "subprocess=true" in str(error)


def test_calls_share_nothing_and_repeat():
    run("x = 1\nx")
    assert "x" in str(refusal("x"))
    assert run("import random\nrandom.random()").text == run("import random\nrandom.random()").text


def test_sleeping_costs_no_time():
    start = time.perf_counter()
    assert run("import time\ntime.sleep(100)\n'awake'").text == "awake"
    assert time.perf_counter() - start < 50


def test_the_process_lives_on_after_every_kind_of_failure():
    for code in ("'a'.join(['b' * 1000] * 10**6)", "while True: pass", "1 +", "1 / 0"):
        refusal(code)
        assert run("print('alive')").text == "alive"


def test_threads_run_programs_at_once():
    tool = Python(timeout_s=20)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: tool.call({"code": f"print(sum(range({n} * 1000)))"}).text, range(40)))
    assert texts == [str(sum(range(n * 1000))) for n in range(40)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_is_told_so_instead_of_waiting_forever():
    code = (
        "import os, sys\n"
        "from lottery_plugins.errors import PluginError\n"
        "from lottery_plugins.tools.python import Python\n"
        "call = lambda: Python().call({'code': '6 * 7'}).text\n"
        "assert call() == '42'\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        call()\n"
        "    except PluginError as error:\n"
        "        sys.exit(0 if 'forked' in str(error) else 2)\n"
        "    sys.exit(3)\n"
        "status = os.waitpid(pid, 0)[1]\n"
        "sys.exit(status != 0 or call() != '42')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_built_ins_loads_none_of_their_libraries():
    code = (
        "import sys, lottery_plugins.tools, lottery_plugins.retrievers, lottery_plugins.memory\n"
        "print([m for m in ('bm25s', 'Stemmer', 'pydantic_monty', 'numpy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("options", [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"max_memory_mb": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match="python"):
        Python(**options)


posix_only = pytest.mark.skipif(os.name != "posix", reason="the process needs POSIX limits")


@posix_only
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import statistics\nstatistics.mean([1, 2])", "1.5"),
        ("import fractions\nprint(fractions.Fraction(1, 3))", "1/3"),
        ("def g():\n    yield 1\nlist(g())", "[1]"),
        ("import fractions\n'text'", "text"),
        ("import fractions\nprint('Łódź 不')", "Łódź 不"),
        ("import fractions\n__name__", "__main__"),
        ("import numpy\nprint(numpy.arange(4).sum())", "6"),
    ],
)
def test_what_the_sandbox_lacks_runs_in_a_process_when_asked(code, expected):
    result = run(code, subprocess=True, timeout_s=20)
    assert (result.text, result.ran_in) == (expected, "subprocess")


@posix_only
def test_what_the_sandbox_can_run_stays_there():
    assert run("1 + 1", subprocess=True).ran_in == "monty"


@posix_only
@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("while True: pass", "timeout"),
        ("import time\ntime.sleep(60)", "timeout"),
        ("import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass", "timeout"),
        ("x = 'a' * 10**10", "limit"),
        ("def f(n): return f(n + 1)\nf(0)", "limit"),
        ("print('x' * 10**6)", "limit"),
        ("while True: print('x' * 100)", "limit"),
        ("raise ValueError('no')", "crashed"),
        ("import sys\nsys.exit(3)", "crashed"),
        ("import os\nos.abort()", "crashed"),
        ("import os\nos._exit(0)", "arguments"),
        ("open('/etc/passwd').read()", "denied"),
        ("open('/proc/self/environ').read()", "denied"),
        ("open('new', 'w')", "denied"),
        ("import os\nos.remove('program.py')", "denied"),
        ("import os\nos.fork()", "denied"),
        ("import os\nos.system('true')", "denied"),
        ("import subprocess\nsubprocess.run(['true'])", "denied"),
        ("import socket\nsocket.socket()", "denied"),
        ("import ctypes\nctypes.CDLL(None).getpid()", "denied"),
    ],
)
def test_a_process_is_held_to_its_limits(code, category):
    start = time.perf_counter()
    error = refusal(f"import fractions\n{code}", subprocess=True, timeout_s=1)
    assert time.perf_counter() - start < 30  # not the 60 s of the sleeping program
    assert error.category == category, str(error)


@posix_only
def test_a_process_sees_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("MY_SECRET", "hunter2")
    text = run("import fractions, os\nprint(os.environ, os.listdir('.'))", subprocess=True, timeout_s=20).text
    assert "hunter2" not in text
    assert text.endswith("['program.py']")


@posix_only
def test_a_process_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run("import fractions\nprint(1)", subprocess=True, timeout_s=20)
    refusal("import fractions\nwhile True: pass", subprocess=True)
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_threads_run_processes_at_once():
    tool = Python(subprocess=True, timeout_s=30)
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda n: tool.call({"code": f"import fractions\nprint({n})"}).text, range(8)))
    assert texts == [str(n) for n in range(8)]
