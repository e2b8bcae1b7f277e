# The counts of a queue are those of its jobs (G13).
t=0     stats    mail                          -> backlog 0
t=0     enqueue  a b c d e queue=mail retention=2m -> a ready
t=1s    enqueue  f queue=mail delay=1h         -> f scheduled
t=1s    enqueue  g queue=pics                  -> g ready
t=2s    lease    mail max=4 by w1              -> a leased #1, b leased #1, c leased #1, d leased #1
t=2s    ack      a #1                          -> a succeeded
t=2s    nack     b #1                          -> b retrying
t=2s    nack     c #1 retry=never              -> c dead
t=2s    cancel   f                             -> f cancelled
t=5s    stats    mail                          -> ready 1, leased 1, succeeded 1, retrying 1, dead 1, cancelled 1, backlog 2, oldest 5s
t=3m    tick                                   -> a gone, c gone, f cancelled
t=3m    stats    mail                          -> ready 3, cancelled 1, backlog 3, oldest 3m
t=3m    stats    pics                          -> ready 1, oldest 179s
