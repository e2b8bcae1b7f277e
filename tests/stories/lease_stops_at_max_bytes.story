# A lease ends before its payloads exceed max_bytes, but the first job comes whatever its size.
t=0     enqueue  a queue=mail bytes=60         -> a ready
t=0     enqueue  b queue=mail bytes=40         -> b ready
t=0     enqueue  c queue=mail bytes=41         -> c ready
t=0     enqueue  d queue=mail bytes=10         -> d ready
t=0     enqueue  e queue=mail bytes=900        -> e ready
t=1s    lease    mail max=9 bytes=100 by w1    -> a leased #1, b leased #1
t=1s    lease    mail max=9 bytes=50 by w1     -> c leased #1
t=1s    lease    mail max=9 bytes=100 by w1    -> d leased #1
t=1s    lease    mail max=9 bytes=100 by w1    -> e leased #1
