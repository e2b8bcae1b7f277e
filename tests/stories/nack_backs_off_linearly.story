# The linear wait is a multiple of the attempt.
t=0     enqueue  a queue=mail backoff=linear max_attempts=9 initial=2s jitter=no -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=0     nack     a #1                          -> a retrying (due 2s)
t=2s    tick                                   -> a ready
t=2s    lease    mail by w1                    -> a leased #2
t=2s    nack     a #2                          -> a retrying (due 6s)
