# Jobs are found by any of their tags, for as long as their records live.
t=0   enqueue  a queue=mail tags=order:7,user:kim     -> a ready
t=0   enqueue  b queue=mail tags=order:7 retention=1m -> b ready
t=0   enqueue  c queue=pics tags=order:77             -> c ready
t=0   list     tag=order:7                            -> a ready, b ready
t=0   list     tag=user:kim                           -> a ready
t=0   list     tag=user:7                             -> nothing
t=0   cancel   b                                      -> b cancelled
t=0   list     tag=order:7                            -> a ready, b cancelled
t=0   list     tag=order:7 state=ready                -> a ready
t=1m  tick                                            -> b gone
t=1m  list     tag=order:7                            -> a ready
