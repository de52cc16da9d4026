"""Programs that a model writes: which stages run them, and that there is a sandbox before they start."""

from collections.abc import Callable, Iterable
from typing import Any

from data.sandbox.availability import allow_unsandboxed, close, require_sandbox
from data.verifiers.programs import refused_programs


def runs_programs(config: dict[str, Any]) -> bool:
    """Whether a stage asks for programs and runs them: one of its mixtures names a data set with code tests."""
    from data.public.sources import SOURCES

    mixtures = [value for value in config["settings"].values() if isinstance(value, dict)]
    return any(SOURCES[name].verifier == "code_tests" for mixture in mixtures for name in mixture if name in SOURCES)


def prepare_sandbox(config: dict[str, Any]) -> None:
    """At the start of a stage: say to the sandbox what the scale allows, and start it if the stage runs programs.

    Raises InputError where there is none. Rows of earlier stages may hold programs all the same: then the first to be
    judged says so.
    """
    allow_unsandboxed(config.get("allow_unsandboxed_code", False))
    if runs_programs(config):
        require_sandbox()


def check_sandbox(configs: Iterable[dict[str, Any]]) -> None:
    """Before a recipe's first stage: the InputError that one of its stages would end with on this machine."""
    needing = next(filter(runs_programs, configs), None)
    if needing is not None:
        prepare_sandbox(needing)
        close()


def tell_refusals(say: Callable[[str], None]) -> None:
    """At the end of a stage: how many programs were refused because no test could look at what they return."""
    if refused := refused_programs():
        say(refused)
