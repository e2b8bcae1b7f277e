# The wait doubles with each attempt up to its cap (G15).
t=0     enqueue  a queue=mail max_attempts=9 initial=1s factor=2 max=3s jitter=no -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=0     nack     a #1                          -> a retrying (attempt 2, due 1s)
t=1s    tick                                   -> a ready (attempt 2, due none)
t=1s    lease    mail by w1                    -> a leased #2 (attempt 2)
t=1s    nack     a #2                          -> a retrying (attempt 3, due 3s)
t=3s    tick                                   -> a ready
t=3s    lease    mail by w1                    -> a leased #3
t=3s    nack     a #3                          -> a retrying (attempt 4, due 6s)
