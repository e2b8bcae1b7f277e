# A dry run counts what it means, and changes nothing.
t=0  enqueue    a b queue=mail            -> a ready
t=0  operate    cancel queue=mail dry=yes -> ok
t=0  tick                                 -> a ready, b ready
t=0  operation                            -> state done, matched 2, done 0, skipped 0
