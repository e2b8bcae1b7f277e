# A job that was asked to end and used up its run time is cancelled.
t=0    enqueue  a queue=mail max_runtime=10s -> a ready
t=0    lease    mail by w1                   -> a leased #1
t=1s   cancel   a reason=why                 -> requested, a leased
t=10s  tick                                  -> a cancelled (reason why, crash 0, attempt 1)
