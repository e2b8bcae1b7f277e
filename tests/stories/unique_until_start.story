# A key held until the start is free once the job was leased, and stays so if it is put back.
t=0   enqueue  a queue=mail unique=k until=start -> a ready
t=0   enqueue  b queue=mail unique=k until=start -> deduplicated, a ready
t=1s  lease    mail by w1                        -> a leased #1
t=1s  enqueue  b queue=mail unique=k until=start -> b ready
t=1s  release  a #1                              -> a ready
t=1s  lease    mail by w1                        -> a leased #2
t=1s  enqueue  c queue=mail unique=k until=start -> deduplicated, b ready
t=1s  lease    mail by w1                        -> b leased #1
t=2s  enqueue  c queue=mail unique=k until=start -> c ready
