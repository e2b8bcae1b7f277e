# The nack of the last attempt kills the job; the attempt stays what it was (G14).
t=0     enqueue  a queue=mail max_attempts=2 initial=1s jitter=no -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=0     nack     a #1                          -> a retrying (attempt 2)
t=1s    tick                                   -> a ready
t=1s    lease    mail by w1                    -> a leased #2 (attempt 2)
t=2s    nack     a #2 error=Last               -> a dead (attempt 2, reason max_attempts, error Last, finished 2s)
t=2s    nack     a #2                          -> repeated, a dead
t=1h    lease    mail by w1                    -> nothing
