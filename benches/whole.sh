#!/bin/sh
# Times whole runs of espial against reading the file alone, in turn, so that a busy machine slows
# all alike, with one and with two threads.
#     benches/whole.sh [-n ROUNDS] CAPTURE...
#     GENCAP=PATH/gencap benches/whole.sh [-n ROUNDS]
# The second form makes the captures of captures.sh one by one, times each, and compares what espial
# says of it with what the generator knows: a fast wrong answer fails.
# Prints medians; the ratio to reading alone is that of each round, with its extremes.
# Build first: cargo build --release (ESPIAL names another program). Take captures of 500 MB or
# more: below that the start of the process and the steps of the clock are in the ratio.
set -eu
here=$(dirname "$0")
. "$here/captures.sh"
rounds=5
while getopts n: option; do
    case $option in
        n) rounds=$OPTARG ;;
        *) sed -n '2,10p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || [ -n "${GENCAP:-}" ] || { sed -n '2,10p' "$0" >&2; exit 2; }
espial=${ESPIAL:-$here/../target/release/espial}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/espial-whole-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# One row for a run: name, seconds of wall, seconds of CPU, peak memory in KiB. Output is thrown
# away, not piped: a pipe would be measured with it.
run() {
    what=$1
    shift
    began=$(date +%s.%N)
    /usr/bin/time -q -o "$scratch/time" -f '%U %S %M' "$@" >/dev/null || [ $? -eq 1 ]
    ended=$(date +%s.%N)
    echo "$what $began $ended $(tail -n 1 "$scratch/time")" |
        awk '{ printf "%s %.4f %.2f %d\n", $1, $3 - $2, $4 + $5, $6 }' >>"$scratch/rows"
}

measure() {
    cat "$2" >/dev/null
    : >"$scratch/rows"
    i=0
    while [ "$i" -lt "$rounds" ]; do
        run cat cat "$2"
        run 1 "$espial" diagnose -q -j 1 "$2"
        run 2 "$espial" diagnose -q -j 2 "$2"
        i=$((i + 1))
    done
    awk -v capture="$1" -v octets="$(wc -c <"$2")" '
        { n[$1]++; wall[$1, n[$1]] = $2; cpu[$1, n[$1]] = $3; peak[$1, n[$1]] = $4 }
        END {
            printf "%-3s %5.0f MB  cat        %.3f s  CPU %.2f s\n", capture, octets / 1e6,
                median(wall, "cat"), median(cpu, "cat")
            for (threads = 1; threads <= 2; threads++) {
                for (i = 1; i <= NR / 3; i++) ratio[threads, i] = wall[threads, i] / wall["cat", i]
                middle = median(ratio, threads); low = sorted[1]; high = sorted[NR / 3]
                printf "%-3s           %d thread%s  %.3f s  CPU %.2f s  peak %4.0f MiB  x cat %.2f (%.2f to %.2f)\n",
                    capture, threads, (threads > 1 ? "s" : " "), median(wall, threads), median(cpu, threads),
                    median(peak, threads) / 1024, middle, low, high
            }
        }
        function median(of, name,   i, j, t) {
            for (i = 1; i <= n[name]; i++) {
                sorted[i] = of[name, i]
                for (j = i; j > 1 && sorted[j] < sorted[j - 1]; j--) {
                    t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t
                }
            }
            return sorted[int((n[name] + 1) / 2)]
        }' "$scratch/rows"
}

for capture in "$@"; do
    measure "$(basename "$capture")" "$capture"
done
[ $# -eq 0 ] || exit 0

for name in $captures; do
    # Of a frame stamped earlier than the one before it the generator notes the time before that, so
    # there must be none if times are to be compared.
    # shellcheck disable=SC2046 # a size is words
    make_capture "$name" "$scratch/$name.pcap" $(full_size "$name") --ooo 0
    measure "$name" "$scratch/$name.pcap"
    "$here/truth.py" "$espial" "$scratch/$name.pcap"
    rm "$scratch/$name.pcap"*
done
