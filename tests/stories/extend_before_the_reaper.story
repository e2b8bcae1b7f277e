# An extend past the deadline saves the lease if the reaper has not acted yet, flagged late (G7, G10).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=30s   extend   a #1 ttl=30s                  -> late, a leased (deadline 60s, crash 0)
t=30s   tick                                   -> a leased (crash 0)
t=31s   ack      a #1                          -> a succeeded
