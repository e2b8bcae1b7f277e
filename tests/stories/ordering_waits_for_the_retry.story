# A job that failed keeps its ordering key busy, and goes before those that came after it, also when others are due.
t=0    enqueue  a queue=mail order=u -> a ready
t=0    enqueue  b queue=mail order=u -> b ready
t=0    lease    mail by w1           -> a leased #1
t=1s   nack     a #1 in=9s           -> a retrying
t=5s   lease    mail max=9 by w1     -> nothing
t=10s  tick                          -> a ready
t=10s  lease    mail max=9 by w1     -> a leased #2
t=11s  ack      a #2                 -> a succeeded
t=11s  lease    mail max=9 by w1     -> b leased #1
