"""Run inside the net's namespace: carries packets between two TUN devices and treats them badly.

`wire.py [--delay=S] [--jitter=S] [--swap=SHARE] [--repeat=SHARE] [--corrupt=SHARE] [--rate=OCTETS_A_SECOND --queue=OCTETS]
[--cut=OCTETS] [--late=S] [--seed=N] [--only=500]`; shares lie between 0 and 1. Swapped and repeated packets come `late` seconds
later. Only ESP is swapped, repeated and corrupted. What is cut is the end of the cloud's ESP, in IPv4. With `only=500` the
cloud knows port 500 alone: what comes for port 4500 goes there, IKE without the marker of RFC 3948, and what comes from
there goes back to port 4500.
"""

import argparse
import fcntl
import heapq
import os
import random
import select
import struct
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def device(name):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def is_esp(packet):
    return (packet[9] if packet[0] >> 4 == 4 else packet[6]) == 50


def with_body(packet, body):
    """An IPv4 packet with another body."""
    head = bytearray(packet[:20])
    head[2:4] = struct.pack("!H", 20 + len(body))
    head[10:12] = bytes(2)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head[10:12] = struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)
    return bytes(head) + body


def shorter(packet, octets):
    """An IPv4 packet without its last octets."""
    return with_body(packet, packet[20:-octets])


def on_500(packet, way):
    """An IPv4 packet as a cloud has it, or gives it, that knows port 500 alone; `way` is 0 towards it."""
    if packet[0] >> 4 != 4 or packet[9] != 17:
        return packet
    source, target = struct.unpack("!HH", packet[20:24])
    data = packet[28:]
    # The exchange type: IKE_SA_INIT is at home on port 500.
    begins = len(data) > 18 and data[18] == 34
    if way == 0 and target == 4500:
        port, data = 500, data.removeprefix(bytes(4))
    elif way == 1 and source == 500 and not begins:
        is_ike = len(data) >= 28 and int.from_bytes(data[24:28]) == len(data)
        port, data = 4500, bytes(4) * is_ike + data
    else:
        return packet
    return with_body(packet, struct.pack("!HHHH", port, port, 8 + len(data), 0) + data)


def main():
    parser = argparse.ArgumentParser()
    for name in ("delay", "jitter", "swap", "repeat", "corrupt", "rate"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    parser.add_argument("--queue", type=float, default=20000)
    for name in ("cut", "only"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--late", type=float, default=0.004)
    parser.add_argument("--seed", type=int, default=1)
    how = parser.parse_args()
    chance = random.Random(how.seed)
    ends = [device("via-office"), device("via-cloud")]
    # Since what time the bottleneck is free, by direction.
    free = [0.0, 0.0]
    waiting, count = [], 0
    while True:
        due = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select(ends, [], [], due)
        now = time.monotonic()
        for tun in ready:
            packet = os.read(tun, 65536)
            way = ends.index(tun)
            if how.only == 500:
                packet = on_500(packet, way)
            at = now + how.delay + chance.random() * how.jitter
            if how.rate:
                free[way] = max(free[way], now)
                if (free[way] - now) * how.rate > how.queue:
                    continue
                free[way] += len(packet) / how.rate
                at = free[way] + how.delay
            times = [at]
            if is_esp(packet):
                if how.cut and way == 1:
                    packet = shorter(packet, how.cut)
                if chance.random() < how.corrupt:
                    # The middle of the packet is sealed; the IP header's checksum does not cover it.
                    middle = len(packet) // 2
                    packet = packet[:middle] + bytes([packet[middle] ^ 1]) + packet[middle + 1 :]
                if chance.random() < how.swap:
                    times = [at + how.late]
                if chance.random() < how.repeat:
                    times.append(at + how.late)
            for when in times:
                count += 1
                heapq.heappush(waiting, (when, count, ends[1 - way], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, out, packet = heapq.heappop(waiting)
            try:
                os.write(out, packet)
            except OSError:
                pass


if __name__ == "__main__":
    main()
