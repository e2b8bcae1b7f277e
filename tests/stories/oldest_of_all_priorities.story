# The oldest ready job is looked for among the heads of all priorities, not at the head of the line.
t=0     enqueue  a queue=mail priority=50      -> a ready
t=1s    enqueue  b queue=mail priority=200     -> b ready
t=2s    enqueue  c queue=mail                  -> c ready
t=5s    stats    mail                          -> ready 3, backlog 3, oldest 5s
t=5s    lease    mail max=2 by w1              -> b leased #1, c leased #1
t=6s    enqueue  d queue=mail priority=250     -> d ready
t=7s    stats    mail                          -> ready 2, leased 2, backlog 4, oldest 7s
