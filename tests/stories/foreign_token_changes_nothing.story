# The token of another job, or a made-up one, changes neither job (G6).
t=0     enqueue  a b queue=mail                -> a ready, b ready
t=0     lease    mail max=2 by w1              -> a leased #1, b leased #1
t=1s    ack      a b#1                         -> refused lease_lost, a leased, b leased
t=1s    nack     b a#1                         -> refused lease_lost, a leased, b leased (attempt 1)
t=1s    ack      a forged                      -> refused lease_lost, a leased
t=1s    extend   a forged ttl=1h               -> refused lease_lost, a leased (deadline 30s)
t=1s    ack      nobody forged                 -> refused not_found
t=2s    ack      a #1                          -> a succeeded
t=2s    ack      b #1                          -> b succeeded
