# A lease that was reaped cannot be extended, though its late ack would count (G5).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=30s   tick                                   -> a ready (crash 1)
t=31s   extend   a #1 ttl=30s                  -> refused lease_lost, a ready (deadline none)
t=31s   ack      a #1                          -> late, a succeeded
