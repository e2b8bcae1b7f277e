# An operation deletes records of jobs that have ended, and nothing else.
t=0   enqueue    a b c queue=mail         -> a ready
t=0   cancel     a                        -> a cancelled
t=5s  cancel     b                        -> b cancelled
t=6s  operate    delete finished_after=1s -> ok
t=6s  tick                                -> a cancelled, b gone, c ready
t=6s  operate    delete queue=mail        -> ok
t=6s  tick                                -> a gone, c ready
t=6s  operation                           -> state done, matched 1, done 1
