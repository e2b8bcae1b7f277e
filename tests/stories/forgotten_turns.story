# With a queue its turns are forgotten: until the next job with a fairness key nobody counts any.
t=0   enqueue  a queue=mail fair=x -> a ready
t=0   lease    mail by w1          -> a leased #1
t=0   ack      a #1                -> a succeeded
t=0   forget   mail                -> ok
t=1s  enqueue  b c queue=mail      -> b ready
t=1s  lease    mail by w1          -> b leased #1
t=2s  enqueue  d queue=mail fair=x -> d ready
t=2s  lease    mail max=9 by w1    -> c leased #1, d leased #1
