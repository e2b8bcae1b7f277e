# Jobs that wait in lanes are listed and counted as all others.
t=0   enqueue  a queue=mail fair=x     -> a ready
t=1s  enqueue  b queue=mail order=u    -> b ready
t=2s  enqueue  c queue=mail limits=api -> c ready
t=3s  enqueue  d queue=mail            -> d ready
t=4s  list     queue=mail state=ready  -> a ready, b ready, c ready, d ready
t=4s  stats    mail                    -> ready 4, backlog 4, oldest 4s
t=5s  lease    mail max=9 by w1        -> b leased #1, a leased #1, c leased #1, d leased #1
t=5s  stats    mail                    -> leased 4, backlog 4
