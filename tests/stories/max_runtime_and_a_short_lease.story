# A lease that runs out before the run time is a crash.
t=0    enqueue  a queue=mail max_runtime=40s -> a ready
t=0    lease    mail ttl=10s by w1           -> a leased #1 (deadline 10s)
t=10s  tick                                  -> a ready (crash 1, attempt 1, error LeaseExpired)
