# Jobs are found by queue, state, task, type of error and time; what is not said does not matter.
t=0   enqueue  a b queue=mail task=send        -> a ready
t=1s  enqueue  c queue=pics task=send          -> c ready
t=2s  enqueue  d queue=mail task=draw delay=1h -> d scheduled
t=3s  lease    mail by w1                      -> a leased #1
t=4s  nack     a #1 error=Bad retry=never      -> a dead
t=4s  list                                     -> a dead, b ready, c ready, d scheduled
t=4s  list     queue=mail                      -> a dead, b ready, d scheduled
t=4s  list     state=ready,dead                -> a dead, b ready, c ready
t=4s  list     queue=mail state=ready          -> b ready
t=4s  list     task=send                       -> a dead, b ready, c ready
t=4s  list     error=Bad                       -> a dead
t=4s  list     error=Worse                     -> nothing
t=4s  list     enqueued_after=1s               -> c ready, d scheduled
t=4s  list     enqueued_before=1s              -> a dead, b ready
t=4s  list     finished_after=4s               -> a dead
t=4s  list     finished_after=5s               -> nothing
