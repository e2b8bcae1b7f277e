# A job that is held is asked to end: the request stays, its first reason too, and the holder is told by every answer.
t=0   enqueue  a queue=mail       -> a ready
t=0   lease    mail ttl=30s by w1 -> a leased #1 (asked no)
t=1s  cancel   a reason=first     -> requested, a leased (asked yes, reason none)
t=2s  cancel   a reason=second    -> requested, a leased (asked yes)
t=3s  extend   a #1 ttl=60s       -> a leased (asked yes, deadline 63s)
t=4s  nack     a #1 in=5s         -> a cancelled (reason first, attempt 1, error Error)
t=5s  nack     a #1 in=5s         -> repeated, a cancelled
t=5s  ack      a #1               -> refused lease_lost, a cancelled
