# After a new lease the old token is worth nothing, whatever it asks for (G6).
t=0     enqueue  a queue=mail max_attempts=3   -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=31s   tick                                   -> a ready (crash 1)
t=32s   lease    mail ttl=30s by w2            -> a leased #2
t=33s   ack      a #1                          -> refused lease_lost, a leased (worker w2, deadline 62s)
t=33s   nack     a #1                          -> refused lease_lost, a leased (attempt 1)
t=33s   release  a #1                          -> refused lease_lost, a leased
t=33s   snooze   a #1 delay=5s                 -> refused lease_lost, a leased
t=33s   extend   a #1 ttl=1h                   -> refused lease_lost, a leased (deadline 62s)
t=33s   ack      a #2                          -> a succeeded
