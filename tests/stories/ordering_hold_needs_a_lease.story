# A job that dies after its lease was lost does not stop who runs after it.
t=0    enqueue  a b queue=mail order=u on_dead=hold      -> a ready
t=0    enqueue  c queue=mail order=u priority=200 delay=10s -> c scheduled
t=0    lease    mail ttl=10s by w1                       -> a leased #1
t=10s  tick                                              -> a ready, c ready
t=10s  lease    mail by w1                               -> c leased #1
t=11s  nack     a #1 retry=never                         -> late, a dead
t=12s  ack      c #1                                     -> c succeeded
t=12s  lease    mail by w1                               -> b leased #1
