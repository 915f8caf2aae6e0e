# The generated captures that espial is measured on, for the scripts beside this file to read in.
#
# The generator is no part of the project: GENCAP names its program. Same arguments, same octets;
# beside each FILE it writes FILE.truth.json, totals, and FILE.truth.tsv, a row for each ESP SA.
#
# A  few tunnels, full packets         B  4,000 SAs, packets of mixed sizes
# C  10,000 SAs, cut at 96 octets      C2 as C, few packets for each SA
# D  IKE only                          E  one part in five is IPsec, the rest background

captures='A B C C2 D E'

# What the generator is told to make a capture, without its size.
profile() {
    case $1 in
        A) echo --profile bulk ;;
        B) echo --profile imix ;;
        C) echo --profile snap ;;
        C2) echo --profile many ;;
        D) echo --profile ike ;;
        E) echo --profile mixed ;;
    esac
}

# The size at which a capture is timed: in less than this the start of the process shows. The time of
# C2 goes by its SAs and not by its octets: 80,000 of them are enough.
full_size() {
    case $1 in
        A | E) echo --size 1g ;;
        C2) echo --size 100m ;;
        D) echo --messages 500000 ;;
        *) echo --size 500m ;;
    esac
}

# make_capture NAME FILE SIZE...
make_capture() {
    made=$1 file=$2
    shift 2
    # shellcheck disable=SC2046 # the profile is words
    "$GENCAP" $(profile "$made") "$@" --out "$file" >/dev/null
}
