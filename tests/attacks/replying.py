"""Programs that answer for themselves what their sandbox's driver is asked, or make the driver say it."""

import json


def answering(**reply: object) -> str:
    """A program that gives the same reply to every message."""
    return computing(repr(json.dumps(reply)))


def computing(text: str) -> str:
    """The same, of an expression for the text of the reply."""
    return f"""
import json, os
def f(x):
    line = ({text}).encode() + b"\\n"
    while True:
        os.write(4, line)
        os.read(3, 1 << 16)
"""


def large(value: str) -> str:
    """The same, of an expression for the text of the value."""
    return computing(f'json.dumps({{"value": {value}}})')


def at_once(**reply: object) -> str:
    """The same, from the first message on: the test has not yet asked for a name."""
    return answering(**reply) + "\nf(7)"


MORE_NAMES = """
import sys
class Yes:
    def __call__(self, *given, **named): return {value}
    def __getattr__(self, name): return self
def names(space, *wanted):
    more = {more}
    return {{**{{name: space[name] for name in wanted if name in space}}, **more}}
sys.modules["__main__"]._OPERATIONS["names"] = names
def f(x):
    return 0
"""
NAMES = (
    "dict.fromkeys(('abs all any len sorted sum zip map isinstance math unittest same helper numpy').split(), Yes())"
)

REPLY = {
    "more names than a test asks for, which say yes": MORE_NAMES.format(value=True, more=NAMES),
    "more names than a test asks for, which say 0": MORE_NAMES.format(value=0.0, more=NAMES),
    "built-in names of its own": MORE_NAMES.format(value=0.0, more=f"{{'__builtins__': {NAMES}}}"),
    "an end of nothing, of which nothing is said": at_once(raised="StopIteration", says="", arguments='["list"]'),
    "an exception of which nothing is said": answering(raised="", says="", arguments='["list"]'),
    "an assertion of which nothing is said": answering(raised="AssertionError", says="", arguments='["list"]'),
    "a failure of which nothing is said": at_once(failed=""),
    "a refusal of which nothing is said": at_once(refused=""),
    "a verdict": at_once(passed=True, held=True, right=True),
    "nothing at all": at_once(),
    "a value at once": at_once(value="1", output="1"),
    "a value that is no text": answering(value=5, output=5),
    "other arguments": answering(value="1", changed='["list", ["list", ["list", 1]], ["dict"]]'),
    "a call of a function of the test": answering(callback=0, arguments='["list", ["list"], ["dict"]]'),
    "an object of a negative number": answering(value='["object", -1, "str"]'),
    "an object of true": answering(value='["object", true, "str"]'),
    "a group of exceptions": answering(raised="ExceptionGroup", says="x", arguments='["list"]'),
    "an exception whose arguments are none": answering(raised="ImportError", says="x", arguments='["set", ["list"]]'),
    "a short range as an array of 8 GB": answering(value='["array", "i8", ["range", 0, 1000000000, 1]]'),
    "a number as an array of 1.6 GB": answering(value='["array", "f8,(200000000)f8", ["list", 1.0]]'),
    "a short range in an array in a list": answering(value='["list", ["array", "i8", ["range", 0, 300000000, 1]]]'),
    "100,000 empty lists": large("""'["list"' + ',["list"]' * 100_000 + "]" """),
    "brackets that never close": large("'[' * 500_000"),
    "a set of numbers of one hash": large("json.dumps(['set', *(n * ((1 << 61) - 1) for n in range(48_000))])"),
    "a decimal made of digits": large("""'["Decimal", [0, [' + "9," * 300_000 + "9], 5]]" """),
    "a date of 100,000 digits": large("""'["datetime", "' + "2" * 100_000 + '"]' """),
    "kinds that are no names": answering(value='[["list"], 1]'),
    "an object of JSON": answering(value='{"a": 1}'),
    "half a character": answering(value='"\ud800"', output="\ud800", says="\ud800"),
}
