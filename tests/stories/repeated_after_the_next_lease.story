# A settled token is remembered while the job is leased again, and touches the new lease not at all (G7).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=1s    release  a #1                          -> a ready
t=2s    lease    mail ttl=30s by w2            -> a leased #2
t=3s    release  a #1                          -> repeated, a leased (worker w2, deadline 32s)
t=3s    ack      a #1                          -> refused lease_lost, a leased
t=4s    release  a #2                          -> a ready
t=5s    release  a #1                          -> repeated, a ready
t=5s    release  a #2                          -> repeated, a ready
