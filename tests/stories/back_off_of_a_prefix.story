# A back-off of a name holds all keys that start with it and a colon, and no other; 0 ends it.
t=0   enqueue   a queue=mail limits=stripe      -> a ready
t=0   enqueue   b queue=mail limits=stripe:t1   -> b ready
t=0   enqueue   c queue=mail limits=stripe:t2:x -> c ready
t=0   enqueue   d queue=mail limits=stripeline  -> d ready
t=0   back_off  stripe for=30s                  -> ok
t=0   back_off  stripe:t2 for=1s                -> ok
t=0   lease     mail max=9 by w1                -> d leased #1
t=2s  lease     mail max=9 by w1                -> nothing
t=3s  back_off  stripe for=0                    -> ok
t=3s  lease     mail max=9 by w1                -> a leased #1, b leased #1, c leased #1
