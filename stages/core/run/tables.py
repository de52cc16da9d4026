"""Parquet tables, read with one sentence for what is wrong with them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.text.row import Row

PAIR = ("prompt", "chosen", "rejected")
"""The columns of a table of pairs."""


def read_parquet(file: Path, needed: Iterable[str] = ()) -> Any:
    """A table (pyarrow's) with the needed columns."""
    import pyarrow
    import pyarrow.parquet

    if not file.is_file():
        raise InputError(f"{file} is missing: {file.parent.parent.name} made no table `{file.stem}`")
    try:
        table = pyarrow.parquet.ParquetFile(file).read()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as parquet: {(str(error).splitlines() or [''])[0]}") from None
    if missing := [name for name in needed if name not in table.column_names]:
        has = ", ".join(table.column_names) or "none"
        raise InputError(f"{file}: the column `{missing[0]}` is missing; its columns are {has}")
    return table


def read_rows(file: Path) -> Any:
    """A table of rows (pyarrow's), at least one, with the columns of `Row` in their types."""
    table = read_parquet(file, sorted(Row.__required_keys__))
    if not table.num_rows:
        raise InputError(f"{file} has no rows")
    for field in table.schema:
        if field.name not in Row.__required_keys__:
            continue
        wanted = "a list of turns with role and content" if field.name == "prompt" else "text"
        if not (is_prompt if field.name == "prompt" else is_text)(field.type):
            raise InputError(f"{file}: the column `{field.name}` holds {field.type}, needed is {wanted}")
        if table[field.name].null_count:
            raise InputError(f"{file}: the column `{field.name}` has no value in some rows, needed is {wanted}")
    return table


def need_columns(rows: Iterable[Mapping[str, Any]], names: Iterable[str], stage: str) -> None:
    """InputError where a row has no value in one of the columns that the stage reads."""
    for row in rows:
        for name in names:
            if row.get(name) is None:
                raise InputError(f"{stage}: the row {row.get('id')} of its data has no `{name}`")


def is_text(kind: Any) -> bool:
    """Whether a type of pyarrow's is text."""
    import pyarrow.types

    return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)


def is_prompt(kind: Any) -> bool:
    """Whether a type of pyarrow's is that of messages."""
    import pyarrow.types

    listed = pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)
    return listed and pyarrow.types.is_struct(kind.value_type) and {"role", "content"} <= set(kind.value_type.names)
