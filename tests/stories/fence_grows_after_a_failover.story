# A store that lost its last writes comes back under another run id: fences leap a minute ahead (G8).
t=1s    enqueue  a b queue=mail                -> a ready
t=1s    lease    mail by w1                    -> a leased #1 (fence 1s)
t=2s    failover                               -> a leased
t=2s    release  a #1                          -> a ready
t=2s    lease    mail max=2 by w1              -> a leased #2 (fence 62s), b leased #1 (fence 62s)
t=3s    failover                               -> a leased
t=3s    release  a #2                          -> a ready
t=3s    lease    mail by w1                    -> a leased #3 (fence 123s)
