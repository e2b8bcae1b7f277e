# A lease that got nothing leaves no record: the same key may get a job later (G9).
t=0     lease    mail by w1 key=k              -> nothing
t=1s    enqueue  a queue=mail                  -> a ready
t=2s    lease    mail by w1 key=k              -> a leased #1
