# An operation touches the jobs that were there when it was asked for, unless they have changed since.
t=0   enqueue    a b queue=mail    -> a ready
t=1s  operate    cancel queue=mail -> ok
t=1s  enqueue    c queue=mail      -> c ready
t=1s  patch      b priority=7      -> b ready
t=1s  tick                         -> a cancelled, b ready, c ready
t=1s  operation                    -> matched 1, done 1
