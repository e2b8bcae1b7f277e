# Only the job that has a key frees it.
t=0   enqueue  a queue=mail unique=k until=ttl ttl=5s -> a ready
t=5s  enqueue  b queue=mail unique=k                  -> b ready
t=6s  cancel   a                                      -> a cancelled
t=6s  enqueue  c queue=mail unique=k                  -> deduplicated, b ready
t=6s  delete   a                                      -> a gone
t=6s  enqueue  c queue=mail unique=k                  -> deduplicated, b ready
