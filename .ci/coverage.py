#!/usr/bin/env python3
"""Counts which lines of folders of sources were run by tests.

    .ci/coverage.py DATA BINARY... -- FOLDER...

DATA is what llvm-profdata merged, the binaries are those that ran. Tests do not count, neither those in
files of their own nor those at the end of a file. Prints the lines of each file that were not run.
`LLVM_COV` names llvm-cov if it is not of that name; it must be of the compiler's LLVM or newer.
"""

import os
import re
import subprocess
import sys


def main():
    words = sys.argv[1:]
    cut = words.index("--")
    data, *binaries = words[:cut]
    folders = [folder.rstrip("/") + "/" for folder in words[cut + 1 :]]
    objects = [binaries[0]] + [word for path in binaries[1:] for word in ("-object", path)]
    tool = os.environ.get("LLVM_COV", "llvm-cov")
    command = [tool, "export", "-format=lcov", f"-instr-profile={data}", *objects]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    run, path = {}, ""
    for line in told.splitlines():
        if line.startswith("SF:"):
            path = os.path.relpath(line[3:])
        elif line.startswith("DA:"):
            number, count = map(int, line[3:].split(",")[:2])
            lines = run.setdefault(path, {})
            lines[number] = max(count, lines.get(number, 0))
    for folder in folders:
        all_run = all_lines = 0
        for path in sorted(path for path in run if path.startswith(folder)):
            end = tests(path)
            lines = {number: count for number, count in run[path].items() if number < end}
            missed = sorted(number for number, count in lines.items() if not count)
            all_lines += len(lines)
            all_run += len(lines) - len(missed)
            if missed:
                share = 100 * (1 - len(missed) / len(lines))
                print(f"{path}: {share:.1f} % of {len(lines)}, not {spans(missed)}")
        print(f"{folder}: {100 * all_run / max(all_lines, 1):.2f} % of {all_lines} lines")


def tests(path):
    """The line at which the tests of a file begin."""
    if re.search(r"(^|/)tests(/|\.rs$)", path):
        return 0
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        if line == "#[cfg(test)]" and lines[number].startswith("mod ") and lines[number].endswith("{"):
            return number
    return len(lines) + 1


def spans(numbers):
    """1, 2, 3, 7 is 1-3, 7."""
    found = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(a) if a == z else f"{a}-{z}" for a, z in found)


if __name__ == "__main__":
    main()
