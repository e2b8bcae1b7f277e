# An operation that is stopped goes no further.
t=0  enqueue         a queue=mail      -> a ready
t=0  operate         cancel queue=mail -> ok
t=0  stop_operation                    -> ok
t=0  tick                              -> a ready
t=0  operation                         -> state cancelled, done 0
