# Without a length, an extend gives the one that the lease was given at first.
t=0     enqueue  a queue=mail lease=20s        -> a ready
t=0     lease    mail by w1                    -> a leased #1 (deadline 20s)
t=10s   extend   a #1                          -> a leased (deadline 30s)
t=11s   extend   a #1 ttl=60s                  -> a leased (deadline 71s)
t=60s   extend   a #1                          -> a leased (deadline 80s)
