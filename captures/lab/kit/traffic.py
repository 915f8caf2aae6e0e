"""Run inside a gateway's namespace: traffic of its LAN.

    traffic.py serve ADDRESS PORT [--pause S]           answers each TCP connection by what it sent
    traffic.py fetch FROM ADDRESS PORT OCTETS           sends so much, and waits for it to come back
    (both with --times N                                 N times as much comes back)
    traffic.py datagrams FROM ADDRESS PORT COUNT SIZE EVERY   UDP, one way
    traffic.py bgp-listen ADDRESS AS HOLD               a BGP speaker that waits (RFC 4271)
    traffic.py bgp-speak FROM ADDRESS AS HOLD           one that calls
    traffic.py count ADDRESS PORT                       swallows UDP
"""

import argparse
import socket
import struct
import sys
import threading
import time


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def listener(address, port):
    server = socket.socket(family(address), socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(8)
    return server


def caller(source, address, port, patience):
    client = socket.socket(family(address), socket.SOCK_STREAM)
    client.settimeout(patience)
    client.bind((source, 0))
    client.connect((address, port))
    return client


def serve(how):
    server = listener(how.address, how.port)
    while True:
        client, _ = server.accept()
        threading.Thread(target=echo, args=(client, how), daemon=True).start()


def echo(client, how):
    with client:
        while octets := client.recv(65536):
            time.sleep(how.pause)
            client.sendall(octets * how.times)


def fetch(how):
    with caller(how.source, how.address, how.port, how.patience) as client:
        threading.Thread(target=client.sendall, args=(bytes(how.octets),), daemon=True).start()
        left = how.octets * how.times
        while left > 0 and (octets := client.recv(65536)):
            left -= len(octets)


def datagrams(how):
    sender = socket.socket(family(how.address), socket.SOCK_DGRAM)
    sender.bind((how.source, 0))
    for _ in range(how.count):
        sender.sendto(bytes(how.size), (how.address, how.port))
        time.sleep(how.every)


def count(how):
    receiver = socket.socket(family(how.address), socket.SOCK_DGRAM)
    receiver.bind((how.address, how.port))
    while True:
        receiver.recv(65536)


def message(kind, body=b""):
    """A BGP message (RFC 4271 section 4.1)."""
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def open_message(number, hold, identifier):
    return message(1, struct.pack("!BHH4sB", 4, number, hold, socket.inet_aton(identifier), 0))


def bgp(peer, how, identifier):
    """A session that sends nothing but KEEPALIVE, a third of the hold time apart (section 4.4)."""
    peer.sendall(open_message(how.number, how.hold, identifier))
    peer.settimeout(how.hold / 3)
    buffer, heard, told = b"", time.monotonic(), time.monotonic()
    while True:
        try:
            octets = peer.recv(4096)
            if not octets:
                return
            buffer, heard = buffer + octets, time.monotonic()
        except TimeoutError:
            pass
        while len(buffer) >= 19 and len(buffer) >= int.from_bytes(buffer[16:18]):
            length, kind = struct.unpack("!HB", buffer[16:19])
            if kind == 1:
                theirs = int.from_bytes(buffer[20:22])
                if how.wants and theirs != how.wants:
                    # OPEN Message Error, Bad Peer AS (section 6.2).
                    peer.sendall(message(3, b"\x02\x02"))
                    return
                peer.sendall(message(4))
            if kind == 3:
                return
            buffer = buffer[length:]
        if time.monotonic() - heard > how.hold:
            # Hold Timer Expired (section 6.5).
            peer.sendall(message(3, b"\x04\x00"))
            return
        if time.monotonic() - told >= how.hold / 3 - 0.01:
            peer.sendall(message(4))
            told = time.monotonic()


def bgp_listen(how):
    server = listener(how.address, 179)
    while True:
        peer, _ = server.accept()
        with peer:
            bgp(peer, how, how.address)


def bgp_speak(how):
    while True:
        try:
            with caller(how.source, how.address, 179, how.patience) as peer:
                bgp(peer, how, how.source)
        except OSError as error:
            print(error, file=sys.stderr)
        time.sleep(3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--patience", type=float, default=8)
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--wants", type=int, default=0, help="the AS that the other must have")
    words = parser.add_subparsers(required=True)

    def word(name, does, **arguments):
        one = words.add_parser(name)
        one.set_defaults(does=does)
        for argument, kind in arguments.items():
            one.add_argument(argument, type=kind)

    word("serve", serve, address=str, port=int)
    word("fetch", fetch, source=str, address=str, port=int, octets=int)
    word("datagrams", datagrams, source=str, address=str, port=int, count=int, size=int, every=float)
    word("count", count, address=str, port=int)
    word("bgp-listen", bgp_listen, address=str, number=int, hold=int)
    word("bgp-speak", bgp_speak, source=str, address=str, number=int, hold=int)
    how = parser.parse_args()
    try:
        how.does(how)
    except OSError as error:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
