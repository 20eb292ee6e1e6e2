"""What pytest and Python's debug modes write around exceptions: each failure once, nothing beside them."""

from __future__ import annotations

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs import Reducer

SESSION = """\
============================= test session starts ==============================
collected 427 items / 2 errors / 7 skipped

==================================== ERRORS ====================================
_________________ ERROR collecting t/test_backends.py _________________
'celery' not found in `markers` configuration option
________________ ERROR collecting t/test_schedules.py _________________
ImportError while importing test module '/app/t/test_schedules.py'.
Hint: make sure your test modules/packages have valid Python names.
Traceback:
/usr/lib/python3.11/importlib/__init__.py:126: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
t/test_schedules.py:11: in <module>
    from freezegun import freeze_time
E   ModuleNotFoundError: No module named 'freezegun'
________________________ ERROR at setup of test_missing ________________________
file /app/test_a.py, line 7
  def test_missing(nofixture): pass
E       fixture 'nofixture' not found
>       available fixtures: cache, capfd, capsys
>       use 'pytest --fixtures [testpath]' for help on them.

/app/test_a.py:7
________________________ ERROR at setup of test_broken _________________________

    @pytest.fixture
>   def broken(): raise RuntimeError("no database")
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
E   RuntimeError: no database

test_a.py:9: RuntimeError
=================================== FAILURES ===================================
__________________________________ test_raises __________________________________

    def test_raises():
>       with pytest.raises(KeyError): pass
E       Failed: DID NOT RAISE KeyError

test_a.py:12: Failed
_______________________________ T.test_sub (i=2) _______________________________

self = <test_a.T testMethod=test_sub>

    def test_sub(self):
        for i in range(3):
>           with self.subTest(i=i): self.assertEqual(i, 1)
                                    ^^^^^^^^^^^^^^^^^^^^^^
E           AssertionError: 2 != 1

test_a.py:17: AssertionError
=========================== short test summary info ============================
FAILED test_a.py::test_raises - Failed: DID NOT RAISE KeyError
SUBFAILED(i=2) test_a.py::T::test_sub - AssertionError: 2 != 1
ERROR t/test_backends.py - Failed: 'celery' not found in `markers` c...
ERROR t/test_schedules.py
ERROR test_a.py::test_missing
ERROR test_a.py::test_broken - RuntimeError: no database
!!!!!!!!!!!!!!!!!!! Interrupted: 2 errors during collection !!!!!!!!!!!!!!!!!!!
==================== 2 failed, 38 passed, 4 errors in 0.04s ====================
2 failed, 38 passed, 4 errors in 16.18s
"""

ONE_LINE_EACH = """\
=================================== FAILURES ===================================
E   ZeroDivisionError: division by zero
/app/test_a.py:2: ZeroDivisionError: division by zero
E   assert 1 == 2
     +  where 1 = helper(1)
/app/test_a.py:4: assert 1 == 2
E   AssertionError: assert {'a': 1} == {'a': 5}
      {empty}
      Differing items:
      {'a': 1} != {'a': 5}
/app/test_a.py:6: AssertionError: assert {'a': 1} == {'a': 5}
"""

NATIVE = """\
=================================== FAILURES ===================================
__ TestShop.test_zero_as_the_name_of_which_is_very_long_so_that_little_is_left ___
Traceback (most recent call last):
  File "/app/test_a.py", line 3, in test_zero
    def test_zero(): helper(0)
ZeroDivisionError: division by zero
__ ERROR at setup of TestShop.test_mixed_case_scheme_acceptable[http://] ___
Traceback (most recent call last):
  File "/app/test_a.py", line 9, in broken
    def broken(): raise RuntimeError("no database")
RuntimeError: no database
=========================== short test summary info ============================
FAILED test_a.py::test_zero - ZeroDivisionError: integer division or modulo b...
"""

DEBUGGED = """\
Exception in thread Thread-1 (<lambda>):
Traceback (most recent call last):
  File "/app/lg.py", line 3, in deep
    def deep(n): return [1][n]
IndexError: list index out of range
Task exception was never retrieved
future: <Task finished name='Task-2' coro=<boom() done, defined at /app/lg.py:23> exception=OSError(5, 'io broke')>
source_traceback: Object created at (most recent call last):
  File "/app/lg.py", line 25, in m
    asyncio.create_task(boom()); await asyncio.sleep(0.01)
{frames}Traceback (most recent call last):
  File "/app/lg.py", line 23, in boom
    async def boom(): raise OSError(5, "io broke")
OSError: [Errno 5] io broke
  + Exception Group Traceback (most recent call last):
  |   File "/app/lg.py", line 26, in m
  |     async with asyncio.TaskGroup() as g:
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/lg.py", line 24, in other
    |     raise ValueError("no")
    | ValueError: no
    +------------------------------------
Not Found: /nope
"""  # noqa: E501


def told(text: str) -> list[tuple[str | None, str, str]]:
    """Type, first line of the message, and place of each event."""
    reducer = Reducer()
    reducer.feed(text.split("\n"), at=1_795_000_000.0)
    return [(event.type, event.message.split("\n")[0], _place(event)) for event in reducer.result().events]


def _place(event: LogEvent) -> str:
    assert event.count == 1
    if event.frame is None:
        return ""
    return f"{event.frame.path}:{event.frame.line} {event.frame.function}"


def test_each_failure_of_a_session_is_told_once() -> None:
    assert sorted(told(SESSION), key=str) == sorted(
        [
            ("ModuleNotFoundError", "No module named 'freezegun'", "t/test_schedules.py:11 <module>"),
            ("FixtureLookupError", "fixture 'nofixture' not found", "/app/test_a.py:7 test_missing"),
            ("RuntimeError", "no database", "test_a.py:9 broken"),
            ("Failed", "DID NOT RAISE KeyError", "test_a.py:12 test_raises"),
            ("AssertionError", "2 != 1", "test_a.py:17 test_sub"),
            (None, "t/test_backends.py - Failed: 'celery' not found in `markers` c...", ""),
        ],
        key=str,
    )


def test_failures_of_one_line_each_stay_apart() -> None:
    assert sorted((place, kind) for kind, _, place in told(ONE_LINE_EACH.replace("{empty}", ""))) == [
        ("/app/test_a.py:2 None", "ZeroDivisionError"),
        ("/app/test_a.py:4 None", "AssertionError"),
        ("/app/test_a.py:6 None", "AssertionError"),
    ]


def test_the_rules_between_failures_are_of_no_message() -> None:
    reducer = Reducer()
    reducer.feed(NATIVE.split("\n"))
    assert {(event.type, event.message) for event in reducer.result().events} == {
        ("ZeroDivisionError", "division by zero"),
        ("RuntimeError", "no database"),
    }


def test_traces_that_follow_each_other_without_a_blank_line_stay_apart() -> None:
    assert sorted(
        told(DEBUGGED.replace("{frames}", '  File "/lib/tasks.py", line 3, in create\n    loop()\n' * 12)),
        key=str,
    ) == [
        ("ExceptionGroup", "unhandled errors in a TaskGroup (1 sub-exception)", "/app/lg.py:26 m"),
        ("IndexError", "list index out of range", "/app/lg.py:3 deep"),
        ("OSError", "[Errno 5] io broke", "/app/lg.py:23 boom"),
    ]
