# Nothing is leased from a paused queue, also nothing that comes or is put back; the next queue gives (G21).
t=0    enqueue  a b queue=mail            -> a ready
t=0    enqueue  p queue=pics              -> p ready
t=0    lease    mail by w1                -> a leased #1
t=0    pause    mail                      -> ok
t=0    queue    mail                      -> paused yes
t=0    lease    mail by w1                -> nothing
t=0    lease    mail,pics max=2 by w1     -> p leased #1
t=1s   enqueue  c queue=mail priority=255 -> c ready
t=1s   release  a #1                      -> a ready
t=24h  lease    mail by w1                -> nothing
t=24h  resume   mail                      -> ok
t=24h  lease    mail max=3 by w1          -> c leased #1, a leased #2, b leased #1
