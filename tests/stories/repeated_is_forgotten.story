# The third settled token pushes out the first (G7).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail by w1                    -> a leased #1
t=0     release  a #1                          -> a ready
t=1s    lease    mail by w1                    -> a leased #2
t=1s    release  a #2                          -> a ready
t=2s    lease    mail by w1                    -> a leased #3
t=2s    release  a #1                          -> repeated, a leased
t=3s    release  a #3                          -> a ready
t=4s    release  a #1                          -> refused lease_lost, a ready
t=4s    release  a #2                          -> repeated, a ready
