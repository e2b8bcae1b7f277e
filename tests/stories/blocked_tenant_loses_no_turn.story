# A tenant that a limit blocks is passed over, and comes in at the present turn when it is let through.
t=0   set_limit  api concurrency=1                  -> ok
t=0   enqueue    a b c queue=mail fair=x limits=api -> a ready
t=0   enqueue    d e f g queue=mail fair=y          -> d ready
t=1s  lease      mail max=4 by w1                   -> a leased #1, d leased #1, e leased #1, f leased #1
t=2s  ack        a #1                               -> a succeeded
t=2s  lease      mail max=9 by w1                   -> b leased #1, g leased #1
