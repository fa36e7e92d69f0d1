"""Parquet files: typed columns become the texts a person would write, so that one grammar types them again."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dl_core.data.readers.raw import Raw, RawTable, Upload
from dl_core.data.values import column_names
from dl_core.errors import ReadError
from dl_core.problems import Problem

BATCH = 65_536


def read(upload: Upload) -> Raw:
    """See dl_core.data.readers. Nested and binary columns are left out and named."""
    try:
        file = pq.ParquetFile(upload.path)
        fields = list(file.schema_arrow)
    except (pa.ArrowException, OSError) as error:
        raise ReadError(f"{upload.path.name} is a damaged Parquet file ({error}). Write it again.") from error
    kept = [place for place, field in enumerate(fields) if _is_plain(field.type) and not _is_index(field.name)]
    problems = []
    left_out = [field.name for place, field in enumerate(fields) if place not in kept and not _is_index(field.name)]
    if left_out:
        listed = ", ".join(map(repr, left_out[:4])) + (", …" if len(left_out) > 4 else "")
        problems.append(
            Problem("warning", f"Columns of lists, records or bytes were left out: {listed}.", fix="Flatten them.")
        )
    if not kept:
        raise ReadError("The Parquet file has no column of numbers, texts or times. Flatten it and upload it again.")
    table = upload.folder / "raw.parquet"
    rows = file.metadata.num_rows
    try:
        with RawTable(table, len(kept)) as writer:
            for batch in file.iter_batches(BATCH):
                writer.write([_texts(batch.column(place)) for place in kept])
                upload.progress("Reading the rows", min(1.0, writer.rows / max(1, rows)))
            rows = writer.rows
    except (pa.ArrowException, OSError) as error:
        raise ReadError(f"{upload.path.name} is a damaged Parquet file ({error}). Write it again.") from error
    if not rows:
        raise ReadError("The Parquet file holds no rows. A table needs at least one row of values.")
    names = column_names([fields[place].name for place in kept])
    return Raw(table=table, names=names, rows=rows, dialect={"format": "parquet"}, problems=problems)


def _is_index(name: str) -> bool:
    return name.startswith("__index_level_")


def _is_plain(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        return _is_plain(type.value_type)
    nested = pa.types.is_nested(type) or pa.types.is_null(type)
    raw = pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type)
    return not nested and not raw


def _texts(column: pa.Array) -> pa.Array:
    """Numbers in their shortest form, whole ones without a decimal mark; times in UTC as ISO, midnight as the day."""
    type = column.type
    if pa.types.is_dictionary(type):
        return _texts(column.dictionary_decode())
    if pa.types.is_timestamp(type):
        if type.tz is not None:
            column = column.cast(pa.timestamp(type.unit, "UTC")).cast(pa.timestamp(type.unit))
        text = column.cast(pa.timestamp("us"), safe=False).cast(pa.string())
        return pc.replace_substring_regex(text, r"(?: 00:00:00)?\.0+$", "")
    if pa.types.is_floating(type):
        column = column.cast(pa.float32()) if pa.types.is_float16(type) else column
        text = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type)).cast(pa.string())
        return pc.replace_substring_regex(text, r"^(-?[0-9]+)\.0$", r"\1")
    if pa.types.is_duration(type):
        microseconds = column.cast(pa.duration("us"), safe=False).cast(pa.int64())
        return pc.divide(microseconds.cast(pa.float64()), 1e6).cast(pa.string())
    return column.cast(pa.string())
