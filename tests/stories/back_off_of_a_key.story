# A back-off holds a key until its instant; what is leased already goes on.
t=0        enqueue   a b queue=mail limits=stripe:t1 -> a ready
t=0        enqueue   c queue=mail limits=stripe:t2   -> c ready
t=0        lease     mail by w1                      -> a leased #1
t=0        back_off  stripe:t1 for=30s               -> ok
t=0        limit     stripe:t1                       -> leased 1, held 30s
t=0        lease     mail max=9 by w1                -> c leased #1
t=1s       ack       a #1                            -> a succeeded
t=30s-1ms  lease     mail by w1                      -> nothing
t=30s      lease     mail by w1                      -> b leased #1
t=30s      limit     stripe:t1                       -> held no
