"""The corpus that comes with the program, so that it can be tried with no data of one's own."""

from mtattn.carried import carried_folder
from mtattn.corpus.languages import CARRIED_DIRECTION
from mtattn.corpus.pairs import Direction
from mtattn.errors import DataError


def builtin_corpus() -> list[str]:
    """Name the sources of the corpus that the program carries, each for `read_pairs`.

    Returns:
        Paths of the *.tsv files, sorted by name; at least one.

    Raises:
        DataError: they are missing.
    """
    folder = carried_folder("data")
    sources = sorted(str(path) for path in folder.glob("*.tsv"))
    if not sources:
        raise DataError(
            "the corpus that comes with mtattn is missing",
            where=folder,
            fix="install mtattn again, or name data of your own with --data",
        )
    return sources


def builtin_direction() -> Direction:
    """Say which languages the carried corpus has: its first column's, then its second's."""
    return Direction.parse(CARRIED_DIRECTION)


def builtin_columns(direction: Direction) -> tuple[str, str]:
    """Say which columns of the carried corpus have the source and the target sentences.

    Raises:
        DataError: it has other languages.
    """
    carried = builtin_direction()
    if direction == carried:
        return "1", "2"
    if direction == Direction(carried.tgt, carried.src):
        return "2", "1"
    raise DataError(f"the corpus that mtattn carries has {carried}, not {direction}", fix="name pairs of your own")
