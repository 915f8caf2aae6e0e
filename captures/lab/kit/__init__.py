"""Two IKE daemons, a net between them, and something in it that is broken on purpose.

`case` says what a case is, `lab` has the words of its story; `net` is the net, `charon` and `pluto`
are the daemons, `traffic` and `wire` run inside namespaces; `keep` writes what is kept.
"""

from kit.case import Expect

__all__ = ["Expect"]
