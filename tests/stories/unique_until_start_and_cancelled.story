# A key held until the start is free as well when the job ends without one, or is deleted after its time.
t=0   enqueue  a queue=mail unique=k until=start expires=5s -> a ready
t=5s  tick                                              -> a cancelled
t=5s  enqueue  b queue=mail unique=k until=start        -> b ready
t=6s  delete   a                                        -> a gone
t=6s  enqueue  c queue=mail unique=k until=start        -> deduplicated, b ready
