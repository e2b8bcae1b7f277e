# Within a tenant the best place counts, whichever limits its jobs have.
t=0   set_limit  api concurrency=5                    -> ok
t=0   enqueue    a queue=mail limits=api              -> a ready
t=0   enqueue    b queue=mail                         -> b ready
t=0   enqueue    c queue=mail limits=api:x            -> c ready
t=0   enqueue    d queue=mail priority=101 limits=api:y -> d ready
t=0   enqueue    e queue=mail limits=api              -> e ready
t=1s  lease      mail max=9 by w1                     -> d leased #1, a leased #1, b leased #1, c leased #1, e leased #1
