# One millisecond before the deadline an ack is in time (G7).
t=0        enqueue  a queue=mail               -> a ready
t=0        lease    mail ttl=30s by w1         -> a leased #1
t=30s-1ms  ack      a #1                       -> a succeeded
