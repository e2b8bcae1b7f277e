# A job that is held is not handed out again before its lease is over (G5).
t=0        enqueue  a queue=mail               -> a ready
t=0        lease    mail ttl=30s by w1         -> a leased #1
t=15s      lease    mail ttl=30s by w2         -> nothing
t=30s-1ms  tick                                -> a leased (crash 0, deadline 30s)
t=30s-1ms  lease    mail ttl=30s by w2         -> nothing
t=30s      tick                                -> a ready (crash 1, deadline none, error LeaseExpired)
t=30s      lease    mail ttl=30s by w2         -> a leased #2 (deadline 60s, worker w2)
