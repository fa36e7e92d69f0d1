"""Where a table begins: which of the first rows is the header, and how wide the table is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dl_core.data.values import BLANKS, column_names, parse_numbers
from dl_core.errors import ReadError
from dl_core.problems import Problem

Cells = Sequence[str | None]
NO_ROWS = "The file holds a header and no rows. Add rows of values, or choose 0 as the header row if it holds values."


@dataclass(frozen=True)
class Header:
    """`position` is the index of the header among the rows, -1 where there is none; values begin at `first`. `unnamed`
    are those of the `names` that were made up beside names of the file."""

    position: int
    first: int
    names: list[str]
    problems: list[Problem] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)


def find_header(rows: Sequence[Cells], asked: int | None = None) -> Header:
    """The header among the first `rows` of a file. `asked` counts from 1; 0 means that there is none.

    Raises ReadError where there is no header or nothing below it.
    """
    filled = [position for position, row in enumerate(rows) if _filled(row)]
    if not filled:
        raise ReadError("The table is empty. It needs a header row and at least one row of values.")
    if asked is not None and asked > len(rows):
        raise ReadError(f"Row {asked} cannot be the header: only {len(rows):,} rows were found to look at.")
    width = _width([rows[position] for position in filled])
    position, problems = (asked - 1, []) if asked is not None else _found(rows, filled, width)
    if position < 0:
        return Header(-1, filled[0], column_names([None] * width), problems)
    below = [rows[other] for other in filled if other > position]
    if asked is None and _is_data(rows[position], below):
        what = "The file has no header: its first row looks like the rows below it. The columns were numbered."
        fix = "Add a header row, or choose which row is the header."
        return Header(-1, position, column_names([None] * width), [*problems, Problem("fixed", what, fix=fix)])
    if not below:
        raise ReadError(NO_ROWS)
    names, unnamed, more = _names(list(rows[position]), width, below)
    return Header(position, position + 1, names, problems + more, unnamed)


def _found(rows: Sequence[Cells], filled: Sequence[int], width: int) -> tuple[int, list[Problem]]:
    """Where the header stands, and what stands above it."""
    position = _first_full(rows, filled, width)
    if not any(other < position for other in filled):
        return position, []
    lines = "Line 1 stands" if position == 1 else f"Lines 1 to {position} stand"
    what = f"{lines} above the table and did not become part of it."
    return position, [Problem("fixed", what, fix="Choose another header row where this is wrong.")]


def _filled(row: Cells) -> int:
    return sum(cell is not None and bool(cell.strip(BLANKS)) for cell in row)


def _width(rows: Sequence[Cells]) -> int:
    """The commonest number of cells; of equally common ones the largest."""
    counts = Counter(len(row) for row in rows)
    return max(counts, key=lambda width: (counts[width], width))


def _first_full(rows: Sequence[Cells], filled: Sequence[int], width: int) -> int:
    """A title or a remark above the table fills fewer cells than its header does."""
    typical = sorted(_filled(rows[position]) for position in filled)[len(filled) // 2]
    for position in filled:
        row = rows[position]
        full = len(row) >= width and _filled(row) >= min(3, typical)
        short = len(row) == width - 1 > 1 and _filled(row) == len(row)
        if full or short:
            return position
    return filled[0]


def _is_data(first: Cells, below: Sequence[Cells]) -> bool:
    """Whether a row reads like the rows below it: its numbers stand over numbers and are no run such as 1990, 1991, …,
    or one of its words comes back in its column again and again."""
    below = [row for row in below[:500] if len(row) == len(first)]
    if not below:
        return False
    numbers = parse_numbers(first)
    positions = [position for position, number in enumerate(numbers) if number == number]
    if positions:
        columns = {position: parse_numbers([row[position] for row in below]) for position in positions}
        over_numbers = all((column == column).any() for column in columns.values())
        run = len(positions) > 1 and all(
            numbers[right] - numbers[left] == numbers[positions[1]] - numbers[positions[0]] != 0
            for left, right in zip(positions, positions[1:], strict=False)
        )
        return over_numbers and not run
    if list(first) in [list(row) for row in below]:
        return False  # the header is repeated further down
    for position, cell in enumerate(first):
        column = [row[position] for row in below]
        if cell and cell.strip(BLANKS) and column.count(cell) >= 2 and len(set(column)) > 1:
            return True
    return False


def _names(header: list[str | None], width: int, below: Sequence[Cells]) -> tuple[list[str], list[str], list[Problem]]:
    """The names, those among them that were made up, and what there is to say."""
    problems = []
    if len(header) == width - 1:
        separator_ends_rows = all(not row[-1] for row in below if len(row) == width)
        header = [*header, None] if separator_ends_rows else [None, *header]  # R writes row names without a header
    if len(header) != width:
        raise ReadError(
            f"The header has {len(header)} names but the rows have {width} values. Mend the header, or choose another "
            "header row."
        )
    names = column_names(header)
    unnamed = [position for position, cell in enumerate(header) if cell is None or not cell.strip(BLANKS)]
    if unnamed:
        what = f"{len(unnamed)} columns without a name are" if len(unnamed) > 1 else "A column without a name is"
        listed = ", ".join(repr(names[position]) for position in unnamed[:3]) + (", …" if len(unnamed) > 3 else "")
        problems.append(Problem("fixed", f"{what} called {listed}.", fix="Name every column in the file."))
    for position, (cell, name) in enumerate(zip(header, names, strict=True)):
        if position not in unnamed and (cell or "").lstrip("\ufeff") != name:
            problems.append(
                Problem(
                    "fixed",
                    f"The name {cell!r} is already taken by another column; this one is called {name!r}.",
                    fix="Give every column a name of its own; upper and lower case count as the same.",
                    column=name,
                )
            )
    second = below[0] if below else []
    if len(unnamed) > 1 and len(second) == width and sum(bool(second[position]) for position in unnamed) > 1:
        texts = [second[position] for position in unnamed if second[position]]
        if all(number != number for number in parse_numbers(texts)):
            problems.append(
                Problem(
                    "warning",
                    f"The first row below the header looks like a second header ({texts[0]!r}, …).",
                    fix="Choose the row that names the columns, or join both header rows in the file.",
                )
            )
    return names, [names[position] for position in unnamed], problems
