# A limit that is changed holds from then on; leases above it stay (G21).
t=0  enqueue      a b c d queue=mail limits=api -> a ready
t=0  lease        mail max=2 by w1              -> a leased #1, b leased #1
t=0  set_limit    api concurrency=2             -> ok
t=0  lease        mail by w1                    -> nothing
t=0  set_limit    api concurrency=3             -> ok
t=0  lease        mail max=9 by w1              -> c leased #1
t=0  set_limit    api concurrency=1             -> ok
t=0  ack          a #1                          -> a succeeded
t=0  ack          b #1                          -> b succeeded
t=0  lease        mail by w1                    -> nothing
t=0  unset_limit  api                           -> ok
t=0  lease        mail by w1                    -> d leased #1
