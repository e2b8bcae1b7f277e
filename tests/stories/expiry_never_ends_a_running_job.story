# A job that is held may finish after its expires_at; what comes back is cancelled.
t=0     enqueue  a b queue=mail expires=10s    -> a ready, b ready
t=5s    lease    mail max=2 ttl=30s by w1      -> a leased #1, b leased #1
t=20s   tick                                   -> a leased, b leased
t=21s   ack      a #1                          -> a succeeded
t=35s   tick                                   -> b cancelled (reason expired, crash 1)
t=36s   ack      b #1                          -> refused job_cancelled, b cancelled
