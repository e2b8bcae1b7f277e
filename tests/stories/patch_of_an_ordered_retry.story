# A retry of an ordering key that is made ready at once goes before those that came after it.
t=0   enqueue  a b queue=mail order=u -> a ready
t=0   lease    mail by w1             -> a leased #1
t=0   nack     a #1 in=1h             -> a retrying
t=0   lease    mail by w1             -> nothing
t=1s  patch    a delay=0              -> a ready
t=1s  lease    mail max=9 by w1       -> a leased #2
