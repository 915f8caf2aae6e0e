"""Nothing is wrong: public keys without certificates.

Each side has the public key of the other in its configuration (RFC 7670); no certificate is sent.
"""

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="IKE_AUTH without the room that certificates take.",
    sees_keyed="a digital signature, and no CERT.",
)


def build(lab):
    lab.certify("ecdsa-256")
    for side, other in (lab.sides, lab.sides[::-1]):
        (side.work / "pubkey").mkdir()
        for one in lab.sides:
            (side.work / "pubkey" / f"{one.name}.pem").write_bytes((one.work / "public.pem").read_bytes())
        side.local.pop("certs")
        side.local["pubkeys"] = f"{side.name}.pem"
        side.remote["pubkeys"] = f"{other.name}.pem"


def story(lab):
    lab.up()
    lab.ask(5)
    lab.down()
