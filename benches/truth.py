#!/usr/bin/env python3
"""Compares what espial says of a generated capture with what the generator knows of it.

    benches/truth.py ESPIAL CAPTURE...

Beside CAPTURE lie CAPTURE.truth.json and CAPTURE.truth.tsv (see captures.sh). Every ESP SA must be
there with every count and both times, none beside them, and the report must be the same, octet by
octet, for any number of threads and any chunk size.
"""

import csv
import hashlib
import json
import subprocess
import sys

# Threads, and octets of a chunk: if all of these agree, neither makes a difference.
WAYS = [(1, 65536), (2, 1 << 20), (7, 4 << 20)]

# Columns of the generator, and the fields of a flow that say the same.
COUNTS = {
    "packets": "packets",
    "first_seq": "first_sequence",
    "max_seq": "highest_sequence",
    "missing": "missing",
    "dup": "duplicate",
    "late": "late",
    "esp_bytes": "bytes",
    "ip_fragmented": "fragmented",
}

# A packet that came in pieces is counted when its last piece comes, and the generator notes the time
# of the first: on its link all of them pass within this many nanoseconds.
PIECES = 1_000_000

# A pcap file begins with this, in either byte order, if its clock counts nanoseconds.
NANOSECONDS = (b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1")


def command(espial, name, form, way, capture):
    threads, chunk = way
    options = ["-q", "-f", form, "-j", str(threads), "--chunk-size", str(chunk)]
    return [espial, name, *options, capture]


def digest(espial, way, capture):
    """Of the whole report, which is not kept: it may be as large as the capture."""
    of = hashlib.blake2b()
    with subprocess.Popen(
        command(espial, "diagnose", "json", way, capture), stdout=subprocess.PIPE
    ) as run:
        while octets := run.stdout.read(1 << 20):
            of.update(octets)
    # 1 says that there are findings of the kind that was asked for.
    if run.returncode not in (0, 1):
        sys.exit(f"{capture}: espial ended with {run.returncode}")
    return of.hexdigest()


def known(capture):
    """A row for each ESP SA by what the generator knows."""
    with open(capture, "rb") as file:
        step = 1 if file.read(4) in NANOSECONDS else 1000
    rows = {}
    with open(capture + ".truth.tsv", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            times = [int(row[column]) // step * step for column in ("first_ns", "last_ns")]
            counts = [int(row[column]) for column in COUNTS]
            rows[row["src"], row["dst"], row["encap"], int(row["spi"], 16)] = counts + times
    return rows


def said(espial, capture):
    """The same by what espial says."""
    rows = {}
    with subprocess.Popen(
        command(espial, "tunnels", "ndjson", WAYS[1], capture), stdout=subprocess.PIPE
    ) as run:
        for line in run.stdout:
            for flow in json.loads(line)["flows"]:
                path = flow["paths"][0]
                encap = "udp" if "udp" in path["encap"] else "raw"
                key = path["src"], path["dst"], encap, int(flow["spi"], 16)
                counts = [flow[field] for field in COUNTS.values()]
                rows[key] = counts + [flow["first_ns"], flow["last_ns"]]
    return rows


def agree(truth, ours):
    if truth is None or ours is None or truth[:-2] != ours[:-2]:
        return False
    allowed = PIECES if truth[list(COUNTS).index("ip_fragmented")] else 0
    return all(0 <= late - early <= allowed for early, late in zip(truth[-2:], ours[-2:]))


def compare(espial, capture):
    digests = {digest(espial, way, capture) for way in WAYS}
    if len(digests) != 1:
        sys.exit(f"{capture}: threads or chunks make a difference")
    truth, ours = known(capture), said(espial, capture)
    wrong = [key for key in truth.keys() | ours.keys() if not agree(truth.get(key), ours.get(key))]
    for key in sorted(wrong)[:5]:
        print(f"{key}: truth {truth.get(key)}, espial {ours.get(key)}", file=sys.stderr)
    if wrong:
        columns = [*COUNTS, "first_ns", "last_ns"]
        sys.exit(f"{capture}: {len(wrong)} of {len(truth)} SAs differ in {columns}")
    print(f"    truth: {len(truth)} SAs, each as made; one report from {len(WAYS)} ways of reading")


if len(sys.argv) < 3:
    sys.exit(__doc__)
for capture in sys.argv[2:]:
    compare(sys.argv[1], capture)
