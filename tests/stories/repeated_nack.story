# A nack that is sent three times counts one attempt (G7).
t=0     enqueue  a queue=mail initial=5s jitter=no -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=1s    nack     a #1 error=First              -> a retrying (attempt 2, due 6s, error First)
t=2s    nack     a #1 error=Second             -> repeated, a retrying (attempt 2, due 6s, error First)
t=6s    tick                                   -> a ready
t=7s    nack     a #1                          -> repeated, a ready (attempt 2)
