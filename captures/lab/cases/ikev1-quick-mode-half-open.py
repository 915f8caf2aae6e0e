"""IKEv1: message 3 of quick mode does not arrive.

The office starts quick mode and has its child SA as soon as it has message 2; its message 3 is lost on the way, each
time. The cloud says message 2 again and again and has no child SA. Recorded at the cloud.
"""

from kit import Expect

needs = "ikev1"
expect = Expect(
    sealed="child-half-open",
    sealed_acceptable=("esp-one-way",),
    both="ike-one-way",
    both_acceptable=("child-half-open",),
    sees="message 2 of quick mode again and again, and no message 3; ESP of the office alone.",
    sees_keyed="echo requests without replies.",
)


def build(lab):
    lab.tap = lab.cloud
    lab.ikev1()
    # Message 3 holds a hash alone (RFC 2409 section 5.5); quick mode is exchange type 32 (RFC 2409 appendix A).
    lab.lose("iifname office udp length < 90 @th,208,8 32")


def story(lab):
    lab.up()
    lab.ask(20)
    lab.wait(14)
