# The token of a lease that ran out in the last run means nothing in the next one.
t=0     enqueue  a queue=mail max_crashes=1    -> a ready
t=0     lease    mail ttl=10s by w1            -> a leased #1
t=10s   tick                                   -> a dead
t=10s   redrive  a                             -> a ready (run 2)
t=11s   ack      a #1                          -> refused lease_lost, a ready
