# A job of a key that is taken is answered with the one that has it, in whatever state that is, until it ends.
t=0   enqueue  a queue=mail unique=k     -> a ready
t=0   enqueue  b queue=mail unique=k     -> deduplicated, a ready
t=0   enqueue  b queue=mail.low unique=k -> deduplicated, a ready
t=0   enqueue  c queue=mail unique=other -> c ready
t=0   lease    mail by w1                -> a leased #1
t=0   enqueue  b queue=mail unique=k     -> deduplicated, a leased
t=0   nack     a #1 in=5s                -> a retrying
t=0   enqueue  b queue=mail unique=k     -> deduplicated, a retrying
t=5s  tick                               -> a ready
t=5s  lease    mail max=9 by w1          -> c leased #1, a leased #2
t=6s  ack      a #2                      -> a succeeded
t=6s  enqueue  b queue=mail unique=k     -> b ready
