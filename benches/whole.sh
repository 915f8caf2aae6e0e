#!/bin/sh
# Times whole runs of espial against reading the file alone, in turn, so that a busy machine slows
# both alike:   benches/whole.sh [-n PAIRS] [-j THREADS] CAPTURE...
# Prints medians in seconds, the ratio with its extremes, and the peak memory of espial.
# Build first: cargo build --release. Take captures of 500 MB or more: below that the start of the
# process and the steps of the clock are in the ratio.
set -eu
pairs=9 threads=2
while getopts n:j: option; do
    case $option in
        n) pairs=$OPTARG ;;
        j) threads=$OPTARG ;;
        *) sed -n '2,6p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
espial=$(dirname "$0")/../target/release/espial
rows=$(mktemp)
trap 'rm -f "$rows"' EXIT INT TERM

# Seconds with nanoseconds around one command whose output is thrown away, not piped.
seconds() {
    began=$(date +%s.%N)
    "$@" >/dev/null
    echo "$began $(date +%s.%N)" | awk '{ printf "%.4f", $2 - $1 }'
}

for capture in "$@"; do
    cat "$capture" >/dev/null
    : >"$rows"
    i=0
    while [ "$i" -lt "$pairs" ]; do
        read_alone=$(seconds cat "$capture")
        whole=$(seconds "$espial" diagnose -q -j "$threads" "$capture")
        echo "$read_alone $whole" >>"$rows"
        i=$((i + 1))
    done
    peak=$(/usr/bin/time -f %M "$espial" diagnose -q -j "$threads" "$capture" 2>&1 >/dev/null || true)
    awk -v name="$capture" -v peak="$peak" '
        { alone[NR] = $1; whole[NR] = $2; ratio[NR] = $2 / $1 }
        function sort(a, n,   i, j, t) {
            for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j] < a[j-1]; j--) { t = a[j]; a[j] = a[j-1]; a[j-1] = t }
        }
        END {
            sort(alone, NR); sort(whole, NR); sort(ratio, NR); m = int((NR + 1) / 2)
            printf "%s: cat %.3f s, espial %.3f s, ratio %.2f (%.2f to %.2f), peak %.0f MiB\n",
                name, alone[m], whole[m], ratio[m], ratio[1], ratio[NR], peak / 1024
        }' "$rows"
done
