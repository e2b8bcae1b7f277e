# Of jobs that are leased together each worker is told what holds for each.
t=0   configure  other lease=10s max_attempts=7  -> ok
t=0   enqueue    a queue=mail                    -> a ready
t=0   lease      mail by w1                      -> a leased #1
t=0   enqueue    b queue=mail                    -> b ready
t=0   enqueue    c queue=mail max_attempts=1     -> c ready
t=0   enqueue    d queue=mail                    -> d ready
t=0   enqueue    e queue=mail task=invoice       -> e ready
t=0   enqueue    f queue=other task=invoice      -> f ready
t=1s  enqueue    g queue=mail task=invoice       -> g ready
t=1s  enqueue    h queue=mail lease=5s           -> h ready
t=1s  release    a #1                            -> a ready
t=2s  lease      mail,other max=8 by w1          -> a leased #2, b leased #1, c leased #1, d leased #1, e leased #1, g leased #1, h leased #1 (deadline 7s), f leased #1 (deadline 12s)
