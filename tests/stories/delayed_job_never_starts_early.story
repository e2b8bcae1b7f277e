# A delayed job is offered from its instant on, not a millisecond before (G16).
t=0        enqueue  a queue=mail delay=10s     -> a scheduled (due 10s)
t=0        enqueue  b queue=mail run_at=10s    -> b scheduled (due 10s)
t=10s-1ms  tick                                -> a scheduled, b scheduled
t=10s-1ms  lease    mail max=2 by w1           -> nothing
t=10s      tick                                -> a ready (due none), b ready
t=10s+1ms  lease    mail max=2 by w1           -> a leased #1, b leased #1
