"""The one exception for bad input: the caller prints its sentence and exits with code 2."""


class InputError(Exception):
    """Bad input, in one sentence: the file, the field, what was found, what is allowed."""
