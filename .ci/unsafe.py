#!/usr/bin/env python3
"""Counts the word `unsafe` in the crates that the library or the program is linked of.

    .ci/unsafe.py                                     the program
    .ci/unsafe.py --no-default-features -F std        the library
    .ci/unsafe.py --no-default-features               wire and registry

Counted are the sources under `src` of normal dependencies for this platform, without comments and
strings, whatever their features leave out; procedural macros run at build time and are not counted.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^\\'])'|b?r(#*)\".*?\"\1|b?\"(?:\\.|[^\"\\])*\"", re.DOTALL
)


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def unsafe_words(folder):
    count = 0
    for source in folder.rglob("*.rs"):
        text = source.read_text(encoding="utf-8", errors="replace")
        text = NOT_CODE.sub(" ", text)
        count += len(re.findall(r"\bunsafe\b", text))
    return count


def main():
    tree = cargo("tree", "--edges", "normal,no-proc-macro", "--prefix", "none", *sys.argv[1:])
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line}
    packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    rows = []
    for package in packages:
        if (package["name"], "v" + package["version"]) in linked:
            folder = Path(package["manifest_path"]).parent / "src"
            rows.append((unsafe_words(folder), package["name"], package["version"]))
    rows.sort(key=lambda row: (-row[0], row[1]))
    for count, name, version in rows:
        print(f"{count:6} {name} {version}")
    without = sum(1 for row in rows if row[0] == 0)
    print(f"{sum(row[0] for row in rows):6} in {len(rows)} crates, {without} of them without")


main()
