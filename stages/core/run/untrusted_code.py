"""Programs that a model writes: which stages run them, and that there is a sandbox before they start."""

from typing import Any

from data.sandbox.availability import allow_unsandboxed, require_sandbox


def runs_programs(config: dict[str, Any]) -> bool:
    """Whether a stage asks for programs and runs them: one of its mixtures names a data set with code tests."""
    from data.public.sources import SOURCES

    mixtures = [value for value in config["settings"].values() if isinstance(value, dict)]
    return any(SOURCES[name].verifier == "code_tests" for mixture in mixtures for name in mixture if name in SOURCES)


def prepare_sandbox(*configs: dict[str, Any]) -> None:
    """Say to the sandbox what the scale allows, and start it if one of the stages needs it.

    Raises InputError where there is none. Rows of earlier stages may hold programs all the same: then the first to be
    judged says so.
    """
    for config in configs:
        allow_unsandboxed(config.get("allow_unsandboxed_code", False))
        if runs_programs(config):
            require_sandbox()
            return
