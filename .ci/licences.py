"""The licence of each package that an installed mtattn needs, as the packages name it themselves.

Prints name, version and licence, a package a line; the exit status is 1 where one names none, or one that is not
known here to let anybody use, change and pass on the package.

    python .ci/licences.py
"""

import re
import sys
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# SPDX names. MPL-2.0 asks that changes to its own files are passed on, which mtattn makes none of.
KNOWN = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC"),
    *("LLVM-exception", "MIT", "MPL-2.0", "PSF-2.0", "Zlib"),
}
# What packages write that do not use SPDX names yet.
SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache-2.0 license": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


def licence_of(package: Distribution) -> str:
    """Read a package's licence, "" where it names none; its own expression goes before its classifiers."""
    metadata = package.metadata
    line = (metadata.get("License-Expression") or metadata.get("License") or "").strip()
    if line and "\n" not in line:  # some put the whole text there
        return SPELLINGS.get(line, line)
    classifiers = [one.rpartition(" :: ")[2] for one in metadata.get_all("Classifier", []) if "License ::" in one]
    return " AND ".join(SPELLINGS.get(one, one) for one in classifiers)


def is_known(licence: str) -> bool:
    """Say whether a licence is made of known ones alone."""
    return set(re.split(r" (?:AND|OR|WITH) ", licence.replace("(", "").replace(")", ""))) <= KNOWN


def needed(name: str, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """Find the installed packages that one needs at run time, by name, those that they need too, itself left out."""
    found: dict[str, Distribution] = {}
    todo, seen = [(name, extras)], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        found[one[0]] = distribution(one[0])
        for requirement in map(Requirement, found[one[0]].requires or []):
            environments = [{"extra": extra} for extra in one[1] or {""}]
            if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
                todo.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    del found[name]
    return dict(sorted(found.items()))


def main() -> int:
    """Print the list; 1 = a package must be looked at."""
    unknown = []
    for name, package in needed("mtattn").items():
        licence = licence_of(package)
        print(f"{name} {package.version}: {licence or 'names no licence'}")
        if not is_known(licence):
            unknown.append(name)
    if unknown:
        print(f"look at the licence of {', '.join(unknown)}; {__file__} lists the known ones", file=sys.stderr)
    return bool(unknown)


if __name__ == "__main__":
    sys.exit(main())
