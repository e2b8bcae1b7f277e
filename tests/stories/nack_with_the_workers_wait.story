# The wait that the worker asks for wins over the backoff.
t=0     enqueue  a queue=mail initial=1s jitter=no -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=0     nack     a #1 in=7s                    -> a retrying (attempt 2, due 7s)
