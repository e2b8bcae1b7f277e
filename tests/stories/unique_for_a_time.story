# A key held for a time is free at its instant, neither sooner by the end of the job nor later by its life.
t=0        enqueue  a queue=mail unique=k until=ttl ttl=10s  -> a ready
t=0        lease    mail by w1                               -> a leased #1
t=1s       ack      a #1                                     -> a succeeded
t=1s       delete   a                                        -> a gone
t=10s-1ms  enqueue  b queue=mail unique=k until=ttl ttl=10s  -> deduplicated, a gone
t=10s      enqueue  b queue=mail unique=k until=ttl ttl=10s  -> b ready
t=15s      enqueue  c queue=mail unique=k until=ttl ttl=10s on_conflict=replace -> replaced, b ready
t=20s      enqueue  c queue=mail unique=k until=ttl ttl=10s  -> deduplicated, b ready
t=25s      tick                                              -> b ready
t=25s      enqueue  c queue=mail unique=k until=ttl ttl=10s  -> c ready, b ready
