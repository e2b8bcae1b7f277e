# A shorter wish leaves the deadline where it was (G10).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=60s by w1            -> a leased #1
t=10s   extend   a #1 ttl=10s                  -> a leased (deadline 60s)
t=10s   extend   a #1 ttl=50s                  -> a leased (deadline 60s)
t=10s   extend   a #1 ttl=50s+1ms              -> a leased (deadline 60s+1ms)
t=59s   tick                                   -> a leased (crash 0)
