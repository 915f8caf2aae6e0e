"""The office has no pre-shared key for the cloud.

Its secrets are those of other peers. It begins, hears the answer, finds nothing to prove itself with, and says no
more; four times.
"""

from kit import Expect

expect = Expect(
    sealed="ike-auth-no-response",
    sealed_acceptable=("undecided", "auth-failed"),
    sees="IKE_SA_INIT and its response, and nothing of the office after it, again and again: whether IKE_AUTH is lost on "
    "the way or never sent, the office's own tap could tell, and no other.",
)


def build(lab):
    lab.office.secrets["ike"].update({"id-1": "branch.example.org", "id-2": "other.example.org"})


def story(lab):
    for _ in range(4):
        lab.up(timeout=8)
        lab.wait(4)
