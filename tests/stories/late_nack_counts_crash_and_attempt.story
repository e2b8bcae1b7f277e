# A nack after the reaper counts an attempt beside the crash, and takes the job out of the ready ones (G7, G14).
t=0     enqueue  a queue=mail initial=10s jitter=no -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=30s   tick                                   -> a ready (crash 1, attempt 1)
t=31s   nack     a #1 error=Slow               -> late, a retrying (crash 1, attempt 2, due 41s, error Slow)
t=32s   lease    mail by w2                    -> nothing
