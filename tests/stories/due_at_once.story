# A run_at in the past, at this instant, or a delay of nothing is ready at once.
t=10s   enqueue  a queue=mail run_at=9s        -> a ready (due none)
t=10s   enqueue  b queue=mail run_at=10s       -> b ready
t=10s   enqueue  c queue=mail delay=0          -> c ready
t=10s   enqueue  d queue=mail run_at=10s+1ms   -> d scheduled (due 10s+1ms)
