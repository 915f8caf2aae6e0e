"""What is kept of a case: captures, keys, truth, README."""

import datetime
import platform
import re
import struct
import subprocess
import textwrap

# Sentences of both daemons that explain a capture, and those among them that never do.
TELLING = re.compile(
    r"received \S+ (notify|error|message)|established|giving up|retransmit \d|no acceptable|mismatch|"
    r"no matching|unacceptable|authentication of .* failed|no IKE config|DPD check|NAT, |deleting|deleted|"
    r"failed|closing|rekeyed|received DELETE|cookie|COOKIE|requested|redirect|expired|collision|duplicate|"
    r"path|no trusted|constraint|TEMPORARY|replac|restart|reauthenticat|unable|invalid"
)
SILENT = re.compile(
    r"received (FRAGMENTATION_SUPPORTED|SIGNATURE_HASH|CHILDLESS|NO_ADDITIONAL_ADDR|NON_FIRST)|(in|out)bound CHILD_SA"
)
TELLING_LINES = 12


def pcapng(pcap, file, interface):
    """Writes a pcap of tcpdump (nanoseconds, this machine's byte order) as pcapng."""
    octets = pcap.read_bytes()
    snaplen, link = struct.unpack("=II", octets[16:24])

    def block(kind, body):
        body += bytes(-len(body) % 4)
        length = 12 + len(body)
        return struct.pack("=II", kind, length) + body + struct.pack("=I", length)

    def option(code, value):
        return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)

    out = [block(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1))]
    names = option(2, interface.encode()) + option(9, b"\x09") + option(0, b"")
    out.append(block(1, struct.pack("=HHI", link, 0, snaplen) + names))
    at = 24
    while at + 16 <= len(octets):
        seconds, nanoseconds, kept, length = struct.unpack("=IIII", octets[at : at + 16])
        time = seconds * 10**9 + nanoseconds
        head = struct.pack("=IIIII", 0, time >> 32, time & 0xFFFFFFFF, kept, length)
        out.append(block(6, head + octets[at + 16 : at + 16 + kept]))
        at += 16 + kept
    file.write_bytes(b"".join(out))


def charon_keys(log):
    """Of a log of strongSwan (ike = 4, chd = 4, mgr = 2) what opens and explains a capture: sentences
    and dumps of keys; not the dumps of packets and of the steps between."""
    key = re.compile(
        r" (Sk_[a-z]+ secret|encryption key Ka|initial IV|SKEYID[_a-z]*"
        r"|(encryption|integrity) (initiator|responder) key) => "
    )
    kept, keeps, has = [], False, False
    for line in log.splitlines():
        if re.search(r" => [0-9]+ bytes @ ", line):
            keeps = key.search(line) is not None
            if keeps:
                has = True
                kept.append(re.sub(r" @ 0x[0-9a-f]+", "", line))
        elif re.search(r"> +[0-9]+: ([0-9A-F]{2} )+", line):
            if keeps:
                kept.append(line)
        else:
            keeps = False
            # Queues of tasks say nothing of the peers.
            if re.search(r"\[(IKE|CHD)\]|checkout IKEv[12] SA", line) and not re.search(
                r"(queueing|activating) |^\S+ \S+ <\S+>\s+\S+ task$", line
            ):
                kept.append(line)
    return "\n".join(kept) + "\n" if has else None


def told(log):
    """The telling sentences of a log, each once."""
    lines = []
    for line in log.splitlines():
        # Of charon: time, thread and group, connection. What it says of itself comes before the story.
        if re.match(r"\S+ \d\d\[(LIB|DMN|JOB|KNL)\]", line):
            continue
        # Of pluto: a date, and a bar before what only its makers read.
        if re.match(r"\w{3} +\d+ \S+ \|", line):
            continue
        sentence = re.sub(r"^(\w{3} +\d+ )?\S+ (\d\d\[\w+\] )?(<\S+> )?", "", line).strip()
        telling = TELLING.search(sentence) and not SILENT.search(sentence) and "=>" not in sentence
        if telling and sentence not in lines:
            lines.append(sentence)
    more = len(lines) - TELLING_LINES
    return lines[:TELLING_LINES] + ([f"and {more} more"] if more > 0 else [])


def truth(lab, expect, has_keys, has_both):
    """truth.toml: the verdicts, and the SAs as the daemons told them."""

    def strings(words):
        return "[" + ", ".join(f'"{word}"' for word in words) + "]"

    def verdict(name, slug, acceptable, also):
        lines = [f"[{name}]", f'verdict = "{slug}"']
        if acceptable:
            lines.append(f"acceptable = {strings(acceptable)}")
        if also:
            lines.append(f"also = {strings(also)}")
        return "\n".join(lines)

    keyed = expect.keyed or expect.sealed
    keyed_acceptable = expect.keyed_acceptable or (() if expect.keyed else expect.sealed_acceptable)
    parts = [verdict("sealed", expect.sealed, expect.sealed_acceptable, expect.also)]
    if has_keys:
        parts.append(verdict("keyed", keyed, keyed_acceptable, expect.keyed_also or expect.also))
    if has_both:
        both_acceptable = expect.both_acceptable or (() if expect.both else keyed_acceptable)
        parts.append(verdict("both", expect.both or keyed, both_acceptable, ()))
    # Whoever is at the tap knows the order in which they began there; libreswan tells none.
    others = [side for side in lab.sides if side is not lab.tap]
    side, (ikes, children) = next(
        ((side, sas) for side in (lab.tap, *others) if any(sas := side.sas())), (lab.tap, ([], []))
    )
    if side is lab.cloud:
        children = [(out, into, there, here) for into, out, here, there in children]
    for initiator, responder in ikes:
        parts.append(f'[[ike_sa]]\ninitiator_spi = "{initiator}"\nresponder_spi = "{responder}"')
    for into, out, here, there in children:
        spis = strings([f"0x{into}", f"0x{out}"])
        granted = ", ".join(strings(one.replace("..", "-").split()) for one in (here, there))
        parts.append(f"[[child_sa]]\nspis = {spis}\ngranted = [{granted}]")
    return "\n\n".join(parts) + "\n"


def readme(lab, case, has_keys, has_both):
    def paragraph(text):
        return "\n".join(textwrap.wrap(" ".join(text.split()), 100))

    parts = [f"# {case.title.rstrip('.')}", case.told.strip()]
    logs = []
    for side in lab.sides:
        sentences = told(side.log.read_text(errors="replace")) if side.log.exists() else []
        if sentences:
            logs.append("\n".join(["```text", f"{side.name}:", *("  " + one for one in sentences), "```"]))
    if logs:
        parts += ["## What the logs say", *logs]
    parts += ["## What an observer sees", paragraph("Without keys: " + case.expect.sees)]
    if has_keys:
        parts.append(paragraph("With keys: " + (case.expect.sees_keyed or "nothing that changes the verdict.")))
    versions = "; ".join(f"{side.name}: {side.version()}" for side in lab.sides)
    tcpdump = subprocess.run(["tcpdump", "--version"], text=True, capture_output=True, check=False)
    tcpdump = (tcpdump.stdout or tcpdump.stderr).splitlines()[0]
    day = datetime.date.today().isoformat()
    keys = " `keys/` holds what the daemons logged about the keys." if has_keys else ""
    where, other = f"the outside link of the {lab.tap.name}'s gateway", "that of the other"
    if lab.is_middle(lab.tap):
        beside = next(side.name for side in lab.sides if side is not lab.tap)
        where, other = "all links of the net", f"the outside link of the {beside}'s gateway"
    both = f", `capture_b.pcapng` on {other}" if has_both else ""
    parts += [
        "## How it was recorded",
        paragraph(
            f"By `captures/lab/record {case.name}` on {day}: `capture.pcapng` on {where}{both}. {versions}; "
            f"ESP in user space; {tcpdump}; Linux {platform.release().split('-')[0]}. `captures/lab/cases/{case.name}.py` "
            f"is the whole difference from a healthy tunnel.{keys}"
        ),
        "The recording is our own and has the licence of this project.",
    ]
    return "\n\n".join(parts) + "\n"


def keep(lab, case, out, taps):
    """Writes the folder of a case."""
    out.mkdir(exist_ok=True)
    for old in (*out.glob("capture*"), *out.glob("keys/*")):
        old.unlink()
    for (side, pcap), name in zip(taps, ("capture", "capture_b")):
        pcapng(pcap, out / f"{name}.pcapng", "any" if lab.is_middle(side) else f"{side.name}-wan")
    keys = [(side, side.keys()) for side in lab.sides]
    for side, octets in keys:
        if octets:
            (out / "keys").mkdir(exist_ok=True)
            (out / "keys" / f"{side.name}.log").write_text(octets)
    has_keys = any(octets for _, octets in keys)
    if (out / "keys").exists() and not has_keys:
        (out / "keys").rmdir()
    has_both = len(taps) > 1
    (out / "truth.toml").write_text(truth(lab, case.expect, has_keys, has_both))
    (out / "README.md").write_text(readme(lab, case, has_keys, has_both))
