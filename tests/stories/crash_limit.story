# The max_crashes-th lost lease kills the job, exactly (G14).
t=0     enqueue  a queue=mail max_crashes=2    -> a ready
t=0     lease    mail ttl=10s by w1            -> a leased #1
t=10s   tick                                   -> a ready (crash 1, attempt 1)
t=10s   lease    mail ttl=10s by w1            -> a leased #2 (crash 1, delivery 2)
t=20s   tick                                   -> a dead (crash 2, attempt 1, reason max_crashes, finished 20s)
t=20s   ack      a #2                          -> refused lease_lost, a dead
