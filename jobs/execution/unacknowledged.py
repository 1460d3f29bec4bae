"""What a worker has taken from the broker and could not acknowledge is left where it is.

kombu would put it back when it closes its connection. After a broken one it tries that by a connection that
it has given up already: it fails with an AttributeError, and the worker ends with an "unrecoverable error".
A message only says "look": recovery sends it again when the job is still placed, and a copy changes nothing.
"""

from kombu.transport.redis import QoS


def leave() -> None:
    """For all channels of this process, those that are open too."""
    QoS.restore_at_shutdown = False
