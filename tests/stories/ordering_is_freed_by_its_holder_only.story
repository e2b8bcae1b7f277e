# What becomes of jobs that wait in a busy lane lets none of them go.
t=0   enqueue  a b c queue=mail order=u -> a ready
t=0   lease    mail by w1               -> a leased #1
t=1s  cancel   b                        -> b cancelled
t=1s  lease    mail max=9 by w1         -> nothing
t=2s  ack      a #1                     -> a succeeded
t=2s  lease    mail max=9 by w1         -> c leased #1
