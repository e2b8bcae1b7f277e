# A failure that is told late keeps its ordering key busy as any other does.
t=0    enqueue  a b queue=mail order=u   -> a ready
t=0    lease    mail ttl=10s by w1       -> a leased #1
t=10s  tick                              -> a ready (crash 1)
t=11s  nack     a #1 in=9s               -> late, a retrying
t=12s  lease    mail max=9 by w1         -> nothing
t=20s  tick                              -> a ready
t=20s  lease    mail max=9 by w1         -> a leased #2
t=21s  ack      a #2                     -> a succeeded
t=21s  lease    mail max=9 by w1         -> b leased #1
