# The jobs of a list may wait: they come into line in their order when their time has come, and never before.
t=0   enqueue  a b queue=mail delay=10s each=yes  -> a scheduled, b scheduled
t=9s  tick                                        -> ok
t=9s  lease    mail max=9 by w1                   -> nothing
t=10s tick                                        -> ok
t=10s lease    mail max=9 by w1                   -> a leased #1, b leased #1
