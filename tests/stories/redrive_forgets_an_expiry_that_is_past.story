# What would end the new run before it began is dropped; an expiry to come stays.
t=0    enqueue  a b queue=mail expires=10s max_attempts=1 -> a ready
t=0    lease    mail max=2 by w1                         -> a leased #1, b leased #1
t=0    nack     a #1                                     -> a dead
t=0    nack     b #1                                     -> b dead
t=5s   redrive  b                                        -> b ready (expires 10s)
t=10s  redrive  a                                        -> a ready (expires none)
t=10s  tick                                              -> a ready, b cancelled (reason expired)
