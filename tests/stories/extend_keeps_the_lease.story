# An extended lease is live until its new deadline.
t=0        enqueue  a queue=mail               -> a ready
t=0        lease    mail ttl=30s by w1         -> a leased #1
t=20s      extend   a #1 ttl=60s               -> a leased (deadline 80s)
t=30s      tick                                -> a leased (crash 0)
t=80s-1ms  tick                                -> a leased
t=80s      tick                                -> a ready (crash 1)
