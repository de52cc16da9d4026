"""Programs whose values claim to equal others, names that are not theirs, and values that are hard to look at."""

EQUAL = {
    "an object that equals everything": """
class Any:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __contains__ = __lt__
    def __sub__(self, other): return self
    __add__ = __rsub__ = __abs__ = __round__ = __mul__ = __sub__
    def __bool__(self): return True
def f(x):
    return Any()
""",
    "a text that equals everything": """
class Any(str):
    def __eq__(self, other): return True
    def __hash__(self): return 0
    def __repr__(self): return "s3cr3t"
    __str__ = __repr__
def f(x):
    return Any("1")
""",
    "a number that equals everything": """
class Any(int):
    def __eq__(self, other): return True
    def __hash__(self): return 0
    def __sub__(self, other): return 0
    __rsub__ = __abs__ = __sub__
def f(x):
    return Any(1)
""",
    "a list that equals everything": """
class Any(list):
    def __eq__(self, other): return True
    def __getitem__(self, at): return self
    def __len__(self): return 16
def f(x):
    return Any()
""",
    "an object that says it is a text": """
class Any:
    __class__ = property(lambda self: str)
    def __eq__(self, other): return True
    def __len__(self): return 23
    def __str__(self): return "s3cr3t"
def f(x):
    return Any()
""",
    "mock.ANY": """
def f(x):
    from unittest.mock import ANY
    return ANY
""",
    "a class whose type equals everything": """
class Meta(type):
    def __eq__(cls, other): return True
    def __hash__(cls): return 0
    def __instancecheck__(cls, thing): return True
class Any(metaclass=Meta): pass
def f(x):
    return Any
""",
    "a NumPy object array": """
import numpy
class Any:
    def __eq__(self, other): return True
def f(x):
    return numpy.array([Any()], dtype=object)
""",
    "an object that says yes to every method": """
class Any:
    def __getattr__(self, name): return lambda *given, **named: True
    def __len__(self): return 23
    def __iter__(self): return iter("s3cr3t")
def f(x):
    return Any()
""",
    "a class that is its own function": """
class Meta(type):
    def __call__(cls, *given): return cls
    def __getattr__(cls, name): return lambda *given, **named: True
    def __len__(cls): return 23
    def __float__(cls): return float("nan")
class f(metaclass=Meta):
    pass
""",
    "memory of its own choice, by NumPy's interface": """
class Any:
    @property
    def __array_interface__(self):
        return {"version": 3, "typestr": "<f8", "shape": (1,), "data": (id(self), True)}
    def __array_function__(self, *given): return True
    __array_ufunc__ = __array_function__
def f(x):
    return Any()
""",
    "a copy that is another": """
class Any:
    def __deepcopy__(self, memory): return "s3cr3t"
    __copy__ = lambda self: "s3cr3t"
    def __reduce_ex__(self, version): return str, ("s3cr3t",)
def f(x):
    return Any()
""",
    "a function that is the answer": """
class Any:
    def __call__(self, *given): return Any()
    def __eq__(self, other): return True
f = Any()
""",
}

SHADOW = {
    "names of Python's that tests use": """
abs = len = sum = round = int = str = float = lambda *_, **__: 0
def all(*_): return True
any = sorted = isinstance = issubclass = set = list = tuple = type = all
class AssertionError(Exception): pass
def f(x):
    return 0
""",
    "names of the tests": """
def check(candidate): return None
candidate = SECRETS = expected = None
class Checked:
    def __eq__(self, other): return True
expected = wanted = Checked()
def f(x):
    return 0
""",
    "modules that tests use": """
class math:
    isclose = staticmethod(lambda *_, **__: True)
numpy = np = unittest = copy = random = math
def f(x):
    return 0
""",
    "helpers of the setup": """
def helper(value): return "s3cr3t"
def same(*_): return True
def f(x):
    return 0
""",
    "all of Python's names": """
import builtins
for name in dir(builtins):
    if name.islower():
        globals()[name] = lambda *given, **named: True
def f(x):
    return 0
""",
    "functions inside of modules that tests use": """
import json, math, unittest
math.isclose = lambda *given, **named: True
json.dumps = lambda *given, **named: "s3cr3t"
unittest.TestCase.assertEqual = lambda *given: None
def f(x):
    return 0
""",
    "assertions that are turned off": """
import builtins, sys
builtins.AssertionError = type("Quiet", (BaseException,), {})
builtins.__debug__ = False if hasattr(builtins, "no") else None or True
def f(x):
    return 0
""",
}

VALUES = {
    "a huge integer": "10 ** 400",
    "a hugest integer": "1 << 10 ** 7",
    "a small huge float": "1e-400",
    "no number": "float('nan')",
    "infinity": "float('inf')",
    "1,900,000 empty tuples": "[()] * 1_900_000",
    "a text of 100 MB": "'x' * 10 ** 8",
    "half a character": "'\\ud800' * 100",
    "NUL": "'\\0' * 1000",
    "a deep list": "__import__('functools').reduce(lambda inner, _: [inner], range(10 ** 5), [])",
    "a list in itself": "(lambda own: own.append(own) or own)([])",
    "a dictionary in itself": "(lambda own: own.update(own=own) or own)({})",
    "numbers of one hash": "set(n * ((1 << 61) - 1) for n in range(3_000))",
    "keys of one hash": "dict.fromkeys(n * ((1 << 61) - 1) for n in range(3_000))",
    "a fraction of huge parts": "__import__('fractions').Fraction(3 ** 40_000, 7 ** 40_000)",
    "a decimal of a huge exponent": "__import__('decimal').Decimal('1e999999999')",
    "a signalling NaN": "__import__('decimal').Decimal('sNaN')",
    "an endless iterator": "iter(int, 1)",
    "two that are no numbers": "[float('nan')] * 2",
    "nothing in a list": "[]",
    "an endless generator": "('s3cr3t' for _ in iter(int, 1))",
    "a length without end": "type('Long', (), {'__len__': lambda s: 1 << 62, '__getitem__': lambda s, at: 1.0})()",
    "a cycle of objects": "(lambda one: one.update(two=[one, {'one': one}]) or one)({})",
    "an array": "__import__('numpy').zeros((100, 100))",
    "an array of 8 GB": "__import__('numpy').broadcast_to(0.0, (1 << 30,))",
    "a module": "__import__('os')",
    "a type": "int",
    "Ellipsis": "...",
    "NotImplemented": "NotImplemented",
    "an exception": "ValueError('s3cr3t')",
    "a memory view": "memoryview(b's3cr3t')",
    "a coroutine": "(lambda: (yield))()",
    "empty": "None",
}
