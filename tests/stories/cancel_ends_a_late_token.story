# A job cancelled after its lease ran out refuses the settle of the old holder (G12, G20).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail ttl=30s by w1            -> a leased #1
t=30s   tick                                   -> a ready (crash 1)
t=31s   cancel   a                             -> a cancelled
t=32s   ack      a #1                          -> refused lease_lost, a cancelled
t=32s   nack     a #1                          -> refused lease_lost, a cancelled
