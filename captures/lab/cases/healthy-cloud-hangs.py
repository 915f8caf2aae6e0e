"""Nothing is wrong: the cloud hangs for eight seconds.

Its daemon is stopped amid pings, as by a virtual machine that is moved, and goes on: what came meanwhile is answered
then, all at once.
"""

import os
import signal

from kit import Expect

expect = Expect(
    sealed="healthy",
    sees="ESP both ways; a silence of the cloud, after which as many packets come in one burst as the office sent "
    "meanwhile; none is missing.",
    sees_keyed="echo requests that are answered up to eight seconds later.",
)


def story(lab):
    def hang():
        lab.wait(2)
        os.kill(lab.cloud.running.pid, signal.SIGSTOP)
        lab.wait(8)
        os.kill(lab.cloud.running.pid, signal.SIGCONT)

    lab.up()
    lab.ask(12)
    lab.together(hang, lambda: lab.ask(60))
    lab.down()
