# Attempt, delivery and crash never go back, whatever happens between (G14).
t=0     enqueue  a queue=mail initial=1s jitter=no -> a ready
t=0     lease    mail ttl=10s by w1            -> a leased #1 (attempt 1, delivery 1, crash 0)
t=10s   tick                                   -> a ready (attempt 1, delivery 1, crash 1)
t=10s   lease    mail by w1                    -> a leased #2 (attempt 1, delivery 2, crash 1)
t=10s   nack     a #2                          -> a retrying (attempt 2, delivery 2, crash 1)
t=11s   tick                                   -> a ready (attempt 2, delivery 2, crash 1)
t=11s   lease    mail by w1                    -> a leased #3 (attempt 2, delivery 3, crash 1)
t=11s   snooze   a #3 delay=1s                 -> a scheduled (attempt 2, delivery 3, crash 1)
t=12s   tick                                   -> a ready (attempt 2, delivery 3, crash 1)
t=12s   lease    mail by w1                    -> a leased #4 (attempt 2, delivery 4, crash 1)
t=12s   release  a #4                          -> a ready (attempt 2, delivery 4, crash 1)
t=12s   lease    mail by w1                    -> a leased #5
t=12s   ack      a #5                          -> a succeeded (attempt 2, delivery 5, crash 1)
