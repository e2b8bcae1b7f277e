# Five lost leases are too many where the job does not say (G14).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=1s by w1             -> a leased #1
t=1s    tick                                   -> a ready (crash 1)
t=1s    lease    mail ttl=1s by w1             -> a leased #2
t=2s    tick                                   -> a ready (crash 2)
t=2s    lease    mail ttl=1s by w1             -> a leased #3
t=3s    tick                                   -> a ready (crash 3)
t=3s    lease    mail ttl=1s by w1             -> a leased #4
t=4s    tick                                   -> a ready (crash 4)
t=4s    lease    mail ttl=1s by w1             -> a leased #5
t=5s    tick                                   -> a dead (crash 5)
