"""Where the folders lie that come with the program: `data` and `configs`."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def carried_folder(name: str) -> Path:
    """Say where a folder lies that the program carries.

    A wheel has it inside the package, a checkout beside it (see `force-include` in `pyproject.toml`).

    Args:
        name: "data" or "configs".

    Returns:
        The path; the caller checks that what it needs is there.
    """
    installed = _PACKAGE / "_carried" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
