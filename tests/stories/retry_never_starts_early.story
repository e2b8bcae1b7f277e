# A retry is not offered before the announced instant (G15).
t=0        enqueue  a queue=mail initial=5s jitter=no -> a ready
t=0        lease    mail by w1                 -> a leased #1
t=0        nack     a #1                       -> a retrying (due 5s)
t=5s-1ms   tick                                -> a retrying (due 5s)
t=5s-1ms   lease    mail by w2                 -> nothing
t=5s       tick                                -> a ready
t=5s       lease    mail by w2                 -> a leased #2
