# A job that was asked to end is cancelled when its lease runs out: a crash is counted, the holder told (G12, G14).
t=0    enqueue  a queue=mail max_crashes=1 -> a ready
t=0    lease    mail ttl=30s by w1         -> a leased #1
t=1s   cancel   a reason=why               -> requested, a leased
t=30s  tick                                -> a cancelled (reason why, crash 1, error LeaseExpired)
t=31s  ack      a #1                       -> refused job_cancelled, a cancelled
