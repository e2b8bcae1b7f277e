# At the deadline itself the reaper may act: an ack counts, flagged late (G7).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=30s   ack      a #1                          -> late, a succeeded
