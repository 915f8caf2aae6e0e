"""Run inside a gateway's namespace: an encryption engine beside the daemon, which seals what it is told under an SA
that the daemon made, as hardware does to which a gateway hands its SAs.

`engine.py KEY SPI FROM TO SOURCE TARGET COUNT EVERY [--number=N]` sends echo requests in ESP by AES-GCM (RFC 4106) in
tunnel mode; the first bears sequence number N. The key is in hexadecimal, with its salt.
"""

import argparse
import ctypes
import ctypes.util
import socket
import struct
import time

GET_TAG = 0x10


def seal(key, salt, iv, head, octets):
    """AES-256-GCM of OpenSSL: what is sealed, and the tag of 16 octets."""
    crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
    crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
    crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p
    state = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
    sealed, tag = ctypes.create_string_buffer(len(octets)), ctypes.create_string_buffer(16)
    length = ctypes.c_int()
    crypto.EVP_EncryptInit_ex(state, cipher, None, key, salt + iv)
    crypto.EVP_EncryptUpdate(state, None, ctypes.byref(length), head, len(head))
    crypto.EVP_EncryptUpdate(state, sealed, ctypes.byref(length), octets, len(octets))
    crypto.EVP_EncryptFinal_ex(state, None, ctypes.byref(length))
    crypto.EVP_CIPHER_CTX_ctrl(state, GET_TAG, 16, tag)
    crypto.EVP_CIPHER_CTX_free(state)
    return sealed.raw + tag.raw


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(source, target, identifier, number):
    """An IPv4 packet of 84 octets."""
    body = struct.pack("!BBHHH", 8, 0, 0, identifier, number) + bytes(56)
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number, 0x4000, 64, 1, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def main():
    parser = argparse.ArgumentParser()
    for name, kind in (("key", bytes.fromhex), ("spi", lambda text: int(text, 16))):
        parser.add_argument(name, type=kind)
    for name in ("sender", "receiver", "source", "target"):
        parser.add_argument(name)
    parser.add_argument("count", type=int)
    parser.add_argument("every", type=float)
    parser.add_argument("--number", type=int, default=1)
    how = parser.parse_args()
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ESP)
    out.bind((how.sender, 0))
    for count in range(how.count):
        number = how.number + count
        head = struct.pack("!II", how.spi, number)
        # Padding to four octets (RFC 4303 section 2.4), its length, and IPv4 as what comes next.
        packet = echo_request(how.source, how.target, 7, count + 1) + bytes([1, 2, 2, 4])
        iv = struct.pack("!Q", number)
        sealed = seal(how.key[:-4], how.key[-4:], iv, head, packet)
        out.sendto(head + iv + sealed, (how.receiver, 0))
        time.sleep(how.every)


if __name__ == "__main__":
    main()
