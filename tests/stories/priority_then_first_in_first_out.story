# The higher priority goes first; among equals the older (G18).
t=0     enqueue  a queue=mail priority=100     -> a ready
t=0     enqueue  b queue=mail priority=200     -> b ready
t=0     enqueue  c queue=mail                  -> c ready
t=0     enqueue  d queue=mail priority=200     -> d ready
t=0     enqueue  e queue=mail priority=0       -> e ready
t=0     enqueue  f queue=mail priority=255     -> f ready
t=1s    lease    mail max=2 by w1              -> f leased #1, b leased #1
t=1s    lease    mail max=9 by w1              -> d leased #1, a leased #1, c leased #1, e leased #1
