#!/bin/sh
# Counts the instructions that espial takes for a frame of each generated capture, on one thread,
# against those written down in instructions.tsv: they stay the same where seconds do not.
#     GENCAP=PATH/gencap benches/instructions.sh [-w]
# Fails where a count is more than 3 % above the one written down; -w writes them down anew. Counts
# belong to one compiler and one kind of processor: where either is another, write them down first.
# Build first: cargo build --release (ESPIAL names another program). Needs valgrind.
set -eu
here=$(dirname "$0")
. "$here/captures.sh"
baseline=$here/instructions.tsv
write=
while getopts w option; do
    case $option in
        w) write=1 ;;
        *) sed -n '2,7p' "$0" >&2; exit 2 ;;
    esac
done
[ -n "${GENCAP:-}" ] || { sed -n '2,7p' "$0" >&2; exit 2; }
espial=${ESPIAL:-$here/../target/release/espial}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/espial-instructions-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM

# Instructions of a whole run. The hash is seeded at random, which moves them by less than 0.5 %.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$scratch/log" \
        "$espial" diagnose -q -j 1 "$1" >/dev/null || [ $? -eq 1 ]
    awk '/Collected/ { print $NF }' "$scratch/log"
}

: >"$scratch/counts"
for name in $captures; do
    file=$scratch/$name.pcap
    make_capture "$name" "$file" --size 20m
    frames=$(sed -n 's/.*"frames": \([0-9]*\).*/\1/p' "$file.truth.json" | head -n 1)
    # What a run costs that reads no frame does not count.
    head -c 24 "$file" >"$scratch/empty.pcap"
    awk -v name="$name" -v whole="$(instructions "$file")" -v start="$(instructions "$scratch/empty.pcap")" \
        -v frames="$frames" 'BEGIN { printf "%s\t%.1f\n", name, (whole - start) / frames }' |
        tee -a "$scratch/counts"
    rm "$file"*
done

if [ -n "$write" ]; then
    {
        printf '# Instructions for a frame, %s, written by benches/instructions.sh -w\n' "$(rustc --version)"
        cat "$scratch/counts"
    } >"$baseline"
    exit
fi
awk -F '\t' '
    /^#/ { next }
    NR == FNR { before[$1] = $2; next }
    !($1 in before) { printf "%s: nothing is written down\n", $1; failed = 1; next }
    { change = 100 * ($2 / before[$1] - 1); printf "%s: %+.1f %%\n", $1, change }
    change > 3 { printf "%s: %s instructions for a frame, before %s\n", $1, $2, before[$1]; failed = 1 }
    END { exit failed }' "$baseline" "$scratch/counts"
